# Other correct ways to write the functions of notebook 01; every one of them must get full points.

# %% corr1d: two loops over numbers
def corr1d(x, w, *, stride=1, padding=0):
    padded = [0] * padding + list(x) + [0] * padding
    out = []
    for start in range(0, len(padded) - len(w) + 1, stride):
        total = 0
        for j in range(len(w)):
            total += padded[start + j] * w[j]
        out.append(total)
    return np.array(out)


# %% corr1d: sliding_window_view
from numpy.lib.stride_tricks import sliding_window_view


def corr1d(x, w, *, stride=1, padding=0):
    return sliding_window_view(np.pad(x, padding), len(w))[::stride] @ w


# %% corr1d: a sum of shifted inputs
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.concatenate([np.zeros(padding), x, np.zeros(padding)])
    size = len(padded) - len(w) + 1
    return sum(weight * padded[j : j + size] for j, weight in enumerate(w))[::stride]


# %% corr1d: stride tricks, float32
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.ascontiguousarray(np.pad(x, padding), dtype=np.float32)
    size = (padded.size - w.size) // stride + 1
    step = padded.strides[0]
    windows = np.lib.stride_tricks.as_strided(padded, (size, w.size), (stride * step, step))
    return np.einsum("ij,j->i", windows, w.astype(np.float32))


# %% corr1d: index arrays
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, (padding, padding), mode="constant", constant_values=0)
    starts = np.arange(0, len(padded) - len(w) + 1, stride)
    return (padded[starts[:, None] + np.arange(len(w))] * w).sum(axis=1)


# %% conv1d: by the formula
def conv1d(x, w):
    k = len(w)
    return np.array([sum(x[i + j] * w[k - 1 - j] for j in range(k)) for i in range(len(x) - k + 1)])


# %% conv1d: sliding_window_view
def conv1d(x, w):
    return np.lib.stride_tricks.sliding_window_view(x, len(w)) @ np.flip(w)


# %% conv1d: the middle of the full convolution, float32
def conv1d(x, w):
    full = np.zeros(len(x) + len(w) - 1, dtype=np.float32)
    for j, weight in enumerate(w):
        full[j : j + len(x)] += weight * x
    return full[len(w) - 1 : len(x)]


# %% corr1d_backward: two loops over numbers
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    dx, dw = np.zeros(len(x)), np.zeros(len(w))
    for i in range(len(dout)):
        for j in range(len(w)):
            m = i * stride + j - padding
            if 0 <= m < len(x):
                dx[m] += dout[i] * w[j]
                dw[j] += dout[i] * x[m]
    return dx, dw


# %% corr1d_backward: one loop over the weights
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding).astype(float)
    dpadded, dw = np.zeros_like(padded), np.zeros(w.shape)
    reach = stride * (len(dout) - 1) + 1
    for j in range(len(w)):
        dw[j] = padded[j : j + reach : stride] @ dout
        dpadded[j : j + reach : stride] += w[j] * dout
    return dpadded[padding : len(padded) - padding], dw


# %% corr1d_backward: the Jacobian, transposed
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    length = len(x) + 2 * padding
    starts = stride * np.arange(len(dout))[:, None]
    jacobian = np.zeros((len(dout), length))
    jacobian[np.arange(len(dout))[:, None], starts + np.arange(len(w))] = w
    windows = np.pad(x, padding)[starts + np.arange(len(w))]
    return (jacobian.T @ dout)[padding : padding + len(x)], dout @ windows


# %% corr1d_backward: as correlations, with the upstream gradient spread out
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    windows = np.lib.stride_tricks.sliding_window_view
    length = len(x) + 2 * padding
    spread = np.zeros(length - len(w) + 1)
    spread[: stride * len(dout) : stride] = dout
    dw = windows(np.pad(x, padding), len(spread)) @ spread
    dx = windows(np.pad(spread, len(w) - 1), len(w)) @ w[::-1]
    return dx[padding : padding + len(x)], dw


# %% corr1d_backward: a list of float32 arrays
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding).astype(np.float32)
    dpadded, dw = np.zeros_like(padded), np.zeros(len(w), dtype=np.float32)
    for i, g in enumerate(dout.astype(np.float32)):
        s = slice(i * stride, i * stride + len(w))
        dpadded[s] += g * w.astype(np.float32)
        dw += g * padded[s]
    return [dpadded[padding : padding + len(x)], dw]


# %% corr1d_matrix: a row at a time
def corr1d_matrix(w, length, *, stride=1):
    rows = []
    for start in range(0, length - len(w) + 1, stride):
        rows.append([0] * start + list(w) + [0] * (length - start - len(w)))
    return np.array(rows)


# %% corr1d_matrix: diagonals
def corr1d_matrix(w, length, *, stride=1):
    rows = length - len(w) + 1
    return sum(weight * np.eye(rows, length, k=j) for j, weight in enumerate(w))[::stride]


# %% corr1d_matrix: the correlation of the unit vectors, in Fortran order
def corr1d_matrix(w, length, *, stride=1):
    return np.asfortranarray(np.array([corr1d(unit, w, stride=stride) for unit in np.eye(length)]).T)


# %% corr2d: four loops
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    height, width = x.shape
    out = np.zeros(((height + 2 * ph - w.shape[0]) // sh + 1, (width + 2 * pw - w.shape[1]) // sw + 1))
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            for a in range(w.shape[0]):
                for b in range(w.shape[1]):
                    row, column = r * sh + a - ph, c * sw + b - pw
                    if 0 <= row < height and 0 <= column < width:
                        out[r, c] += x[row, column] * w[a, b]
    return out


# %% corr2d: sliding_window_view and einsum
def corr2d(x, w, *, stride=1, padding=0):
    sh, sw = stride if isinstance(stride, (tuple, list)) else (stride, stride)
    ph, pw = padding if isinstance(padding, (tuple, list)) else (padding, padding)
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape)[::sh, ::sw]
    return np.einsum("rcab,ab->rc", windows, w)


# %% corr2d: a sum of shifted pictures
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    padded = np.zeros((x.shape[0] + 2 * ph, x.shape[1] + 2 * pw))
    padded[ph : ph + x.shape[0], pw : pw + x.shape[1]] = x
    rows, columns = padded.shape[0] - w.shape[0] + 1, padded.shape[1] - w.shape[1] + 1
    out = 0
    for (a, b), weight in np.ndenumerate(w):
        out = out + weight * padded[a : a + rows, b : b + columns]
    return out[::sh, ::sw]


# %% corr2d: im2col, float32, in Fortran order
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    padded = np.pad(x, ((ph, ph), (pw, pw))).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape)[::sh, ::sw]
    columns = windows.reshape(-1, w.size)
    return np.asfortranarray((columns @ w.reshape(-1).astype(np.float32)).reshape(windows.shape[:2]))


# %% conv2d_true: four loops
def conv2d_true(x, w):
    kh, kw = w.shape
    out = np.zeros((x.shape[0] - kh + 1, x.shape[1] - kw + 1))
    for r, c in np.ndindex(*out.shape):
        for a, b in np.ndindex(kh, kw):
            out[r, c] += x[r + a, c + b] * w[kh - 1 - a, kw - 1 - b]
    return out


# %% conv2d_true: a half turn
def conv2d_true(x, w):
    return corr2d(x, np.rot90(w, 2))


# %% conv2d_true: sliding_window_view, float32
def conv2d_true(x, w):
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.float32), w.shape)
    return np.tensordot(windows, np.flip(w).astype(np.float32), axes=2)


# %% edge_kernel: Prewitt
def edge_kernel(direction):
    kernel = np.outer([1, 1, 1], [-1, 0, 1])
    return kernel if direction == "left_right" else kernel.T


# %% edge_kernel: two pixels
def edge_kernel(direction):
    return np.array([[-1.0, 1.0]]) if direction == "left_right" else np.array([[-1.0], [1.0]])


# %% edge_kernel: Scharr, float32
def edge_kernel(direction):
    kernel = np.array([[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]], dtype=np.float32) / 32
    return {"left_right": kernel, "top_bottom": kernel.T}[direction]


# %% edge_kernel: a smooth one of seven pixels
def edge_kernel(direction):
    place = np.arange(-3, 4)
    bell = np.exp(-(place**2) / 4)
    kernel = np.outer(bell, place * bell)
    return kernel if direction == "left_right" else kernel.T.copy()


# %% match_template: two loops
def match_template(image, template):
    h, w = template.shape
    pattern = template - template.mean()
    best, where = -2, None
    for r in range(image.shape[0] - h + 1):
        for c in range(image.shape[1] - w + 1):
            window = image[r : r + h, c : c + w] - image[r : r + h, c : c + w].mean()
            length = np.sqrt((window**2).sum() * (pattern**2).sum())
            score = (window * pattern).sum() / length if length > 0 else 0
            if score > best:
                best, where = score, (r, c)
    return where


# %% match_template: nan_to_num and unravel_index
def match_template(image, template):
    windows = np.lib.stride_tricks.sliding_window_view(image.astype(float), template.shape)
    windows = windows.reshape(*windows.shape[:2], -1)
    windows = windows - windows.mean(axis=-1, keepdims=True)
    windows = windows / np.linalg.norm(windows, axis=-1, keepdims=True)
    scores = np.nan_to_num(windows) @ (template - template.mean()).ravel()
    return np.unravel_index(scores.argmax(), scores.shape)


# %% match_template: by corr2d, and a small number in the denominator
def match_template(image, template):
    image, pattern = image.astype(float), template - template.mean()
    ones = np.ones(template.shape)
    spread = corr2d(image**2, ones) - corr2d(image, ones) ** 2 / template.size
    scores = corr2d(image, pattern) / np.sqrt(np.maximum(spread, 1e-9))
    row, column = divmod(int(np.argmax(scores)), scores.shape[1])
    return [row, column]


# %% match_template: an array of the standard scores' products
def match_template(image, template):
    def standard(a):
        return (a - a.mean()) / a.std() if a.std() > 0 else np.zeros(a.shape)

    h, w = template.shape
    rows, columns = image.shape[0] - h + 1, image.shape[1] - w + 1
    wanted = standard(template)
    scores = np.array(
        [
            [(standard(image[r : r + h, c : c + w]) * wanted).mean() for c in range(columns)]
            for r in range(rows)
        ]
    )
    return np.argwhere(scores == scores.max())[0]


# %% learn_kernel: with its own gradient
def learn_kernel(x, y, size, *, lr, steps):
    windows = np.lib.stride_tricks.sliding_window_view(x, size)
    w = np.zeros(size)
    for _ in range(steps):
        w -= lr * 2 * windows.T @ (windows @ w - y) / len(y)
    return w


# %% learn_kernel: stops when nothing changes
def learn_kernel(x, y, size, *, lr, steps):
    w = np.zeros(size)
    for _ in range(steps):
        error = corr1d(x, w) - y
        gradient = corr1d_backward(2 / error.size * error, x, w)[1]
        if np.abs(gradient).max() < 1e-12:
            break
        w = w - lr * gradient
    return w


# %% learn_kernel: float32 and a while loop
def learn_kernel(x, y, size, *, lr, steps):
    w, done = np.zeros(size, dtype=np.float32), 0
    while done < steps:
        dout = (2.0 * (corr1d(x, w) - y) / y.shape[0]).astype(np.float32)
        w = (w - lr * corr1d_backward(dout, x, w)[1]).astype(np.float32)
        done += 1
    return w
