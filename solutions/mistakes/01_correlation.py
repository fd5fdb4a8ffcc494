# Known mistakes in notebook 01, as students write them; each title is the name of a Misconception.


# %% corr1d: the kernel is flipped
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = (len(padded) - len(w)) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w[::-1]).sum()
    return out


# %% corr1d: one output too few
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = (len(padded) - len(w)) // stride
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the padding is forgotten
def corr1d(x, w, *, stride=1, padding=0):
    padded = x
    size = (len(padded) - len(w)) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the zeros are put on the left only
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, (padding, 0))
    size = (len(padded) - len(w)) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the zeros are put on the right only
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, (0, padding))
    size = (len(padded) - len(w)) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the output has the size for an input without padding
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = (len(x) - len(w)) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the padding is always half the kernel
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, len(w) // 2)
    size = (len(padded) - len(w)) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the stride is ignored
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = len(padded) - len(w) + 1
    out = np.zeros(size)
    for i in range(size):
        start = i
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the output is shorter, but the kernel still moves by one
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = (len(padded) - len(w)) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the last window sticks out of the input
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = int(np.ceil((len(padded) - len(w)) / stride)) + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the output array holds whole numbers, so fractions are cut off
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = (len(padded) - len(w)) // stride + 1
    out = np.zeros(size, dtype=x.dtype)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the size lacks the brackets around its numerator
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = len(x) + 2 * padding - len(w) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% corr1d: the products are not added up
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = (len(padded) - len(w)) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = padded[start : start + len(w)] * w
    return out


# %% corr1d: only the first output is filled: the `return` stands inside the loop
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = (len(padded) - len(w)) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
        return out


# %% corr1d: the size is a float: `/` instead of `//`
def corr1d(x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    size = (len(padded) - len(w)) / stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out


# %% conv1d: the kernel is not flipped
def conv1d(x, w):
    size = len(x) - len(w) + 1
    return np.array([(x[i : i + len(w)] * w).sum() for i in range(size)])


# %% conv1d: the input is flipped instead of the kernel
def conv1d(x, w):
    x = x[::-1]
    size = len(x) - len(w) + 1
    return np.array([(x[i : i + len(w)] * w).sum() for i in range(size)])


# %% conv1d: the cross-correlation, in reverse order
def conv1d(x, w):
    x, w = x[::-1], w[::-1]
    size = len(x) - len(w) + 1
    return np.array([(x[i : i + len(w)] * w).sum() for i in range(size)])


# %% conv1d: places where the kernel sticks out are counted too
def conv1d(x, w):
    full = np.zeros(len(x) + len(w) - 1)
    for j in range(len(w)):
        full[j : j + len(x)] += w[j] * x
    return full


# %% conv1d: the output is as long as the input
def conv1d(x, w):
    full = np.zeros(len(x) + len(w) - 1)
    for j in range(len(w)):
        full[j : j + len(x)] += w[j] * x
    start = (len(w) - 1) // 2
    return full[start : start + len(x)]


# %% conv1d: `w[K - j]` instead of `w[K - 1 - j]`
def conv1d(x, w):
    k = len(w)
    return np.array([sum(x[i + j] * w[k - j] for j in range(k)) for i in range(len(x) - k + 1)])


# %% corr1d_backward: dx and dw are swapped
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(len(padded))
    dw = np.zeros(len(w))
    for i in range(len(dout)):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] += dout[i] * w
        dw += dout[i] * padded[window]
    return dw, dpadded[padding : padding + len(x)]


# %% corr1d_backward: the upstream gradient is taken for ones
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(len(padded))
    dw = np.zeros(len(w))
    for i in range(len(dout)):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] += w
        dw += padded[window]
    return dpadded[padding : padding + len(x)], dw


# %% corr1d_backward: the gradients are averaged over the outputs
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(len(padded))
    dw = np.zeros(len(w))
    for i in range(len(dout)):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] += dout[i] * w
        dw += dout[i] * padded[window]
    return dpadded[padding : padding + len(x)] / len(dout), dw / len(dout)


# %% corr1d_backward: dx: the upstream gradient is not flipped
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    spread = np.zeros(stride * (len(dout) - 1) + 1)
    spread[::stride] = dout
    k, n = len(w), len(spread)
    padded = np.pad(x, padding)
    dw = np.array([(padded[j : j + n] * spread).sum() for j in range(k)])
    wide = np.pad(w, n - 1)
    dpadded = np.zeros(len(padded))
    for m in range(n + k - 1):
        dpadded[m] = (wide[m : m + n] * spread).sum()
    return dpadded[padding : padding + len(x)], dw


# %% corr1d_backward: dx: the kernel is flipped
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(len(padded))
    dw = np.zeros(len(w))
    for i in range(len(dout)):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] += dout[i] * w[::-1]
        dw += dout[i] * padded[window]
    return dpadded[padding : padding + len(x)], dw


# %% corr1d_backward: dx: overlapping windows are assigned, not added
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(len(padded))
    dw = np.zeros(len(w))
    for i in range(len(dout)):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] = dout[i] * w
        dw += dout[i] * padded[window]
    return dpadded[padding : padding + len(x)], dw


# %% corr1d_backward: dx is cropped with [padding:-padding], which is empty at padding 0
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(len(padded))
    dw = np.zeros(len(w))
    for i in range(len(dout)):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] += dout[i] * w
        dw += dout[i] * padded[window]
    return dpadded[padding:-padding], dw


# %% corr1d_backward: dx still has the padding on it
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(len(padded))
    dw = np.zeros(len(w))
    for i in range(len(dout)):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] += dout[i] * w
        dw += dout[i] * padded[window]
    return dpadded, dw


# %% corr1d_backward: the stride is forgotten on the way back
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(len(padded))
    dw = np.zeros(len(w))
    for i in range(len(dout)):
        window = slice(i, i + len(w))
        dpadded[window] += dout[i] * w
        dw += dout[i] * padded[window]
    return dpadded[padding : padding + len(x)], dw


# %% corr1d_backward: dx is too short: inputs that no window reached are missing
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(stride * (len(dout) - 1) + len(w))
    dw = np.zeros(len(w))
    for i in range(len(dout)):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] += dout[i] * w
        dw += dout[i] * padded[window]
    return dpadded[padding : len(dpadded) - padding], dw


# %% corr1d_backward: the text's formulas are used, which hold for stride 1 and no padding
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    dw = corr1d(x, dout)
    dx = corr1d(np.pad(w, len(dout) - 1), dout[::-1])
    return dx, dw


# %% corr1d_backward: dx: the kernel is padded with `padding` zeros
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    dw = corr1d(x, dout, padding=padding)
    dx = corr1d(w, dout[::-1], padding=padding)
    return dx, dw


# %% corr1d_backward: the outputs are counted on the input without padding
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(len(padded))
    dw = np.zeros(len(w))
    for i in range((len(x) - len(w)) // stride + 1):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] += dout[i] * w
        dw += dout[i] * padded[window]
    return dpadded[padding : padding + len(x)], dw


# %% corr1d_backward: the gradients are stored as whole numbers, so fractions are cut off
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros(padded.shape, padded.dtype)
    dw = np.zeros_like(w)
    for i in range(len(dout)):
        for j in range(len(w)):
            dpadded[i * stride + j] += dout[i] * w[j]
            dw[j] += dout[i] * padded[i * stride + j]
    return dpadded[padding : padding + len(x)], dw


# %% corr1d_backward: fractions are added to an array of whole numbers
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    padded = np.pad(x, padding)
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(len(dout)):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] += dout[i] * w
        dw += dout[i] * padded[window]
    return dpadded[padding : padding + len(x)], dw


# %% corr1d_matrix: rows and columns are exchanged
def corr1d_matrix(w, length, *, stride=1):
    rows = (length - len(w)) // stride + 1
    matrix = np.zeros((rows, length))
    for i in range(rows):
        matrix[i, i * stride : i * stride + len(w)] = w
    return matrix.T


# %% corr1d_matrix: the kernel is flipped in every row
def corr1d_matrix(w, length, *, stride=1):
    rows = (length - len(w)) // stride + 1
    matrix = np.zeros((rows, length))
    for i in range(rows):
        matrix[i, i * stride : i * stride + len(w)] = w[::-1]
    return matrix


# %% corr1d_matrix: the kernel wraps around the end
def corr1d_matrix(w, length, *, stride=1):
    rows = int(np.ceil(length / stride))
    matrix = np.zeros((rows, length))
    for i in range(rows):
        for j in range(len(w)):
            matrix[i, (i * stride + j) % length] = w[j]
    return matrix


# %% corr1d_matrix: every row is the same
def corr1d_matrix(w, length, *, stride=1):
    rows = (length - len(w)) // stride + 1
    matrix = np.zeros((rows, length))
    for i in range(rows):
        matrix[i, : len(w)] = w
    return matrix


# %% corr1d_matrix: the stride is ignored
def corr1d_matrix(w, length, *, stride=1):
    rows = length - len(w) + 1
    matrix = np.zeros((rows, length))
    for i in range(rows):
        matrix[i, i : i + len(w)] = w
    return matrix


# %% corr1d_matrix: there are fewer rows, but the kernel still moves by one
def corr1d_matrix(w, length, *, stride=1):
    rows = (length - len(w)) // stride + 1
    matrix = np.zeros((rows, length))
    for i in range(rows):
        matrix[i, i : i + len(w)] = w
    return matrix


# %% corr2d: the kernel is flipped
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w[::-1, ::-1]).sum()
    return out


# %% corr2d: the kernel is transposed
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    w = w.T
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: matrix product instead of element by element
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window @ w).sum()
    return out


# %% corr2d: the kernel is taken to be square
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh = kw = w.shape[0]
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: the picture is taken to be square
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (x.shape[0] + 2 * pw - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: one row and one column too few
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh
    columns = (padded.shape[1] - kw) // sw
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: the padding is forgotten
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = x
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: the zeros are put on the top and on the left only
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, ((ph, 0), (pw, 0)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: the stride is ignored
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    sh = sw = 1
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: the output is smaller, but the kernel still moves by one
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r : r + kh, c : c + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: rows and columns of the pairs are exchanged
def corr2d(x, w, *, stride=1, padding=0):
    (sw, sh), (pw, ph) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: the padding pair is handed to np.pad as it is
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, padding)
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: the output array holds whole numbers, so fractions are cut off
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns), dtype=x.dtype)
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: the column moves by one in spite of the stride
def corr2d(x, w, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c : c + kw]
            out[r, c] = (window * w).sum()
    return out


# %% corr2d: a pair is used as if it were a number
def corr2d(x, w, *, stride=1, padding=0):
    kh, kw = w.shape
    rows = (x.shape[0] + 2 * padding - kh) // stride + 1
    columns = (x.shape[1] + 2 * padding - kw) // stride + 1
    padded = np.pad(x, padding)
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * stride : r * stride + kh, c * stride : c * stride + kw]
            out[r, c] = (window * w).sum()
    return out


# %% conv2d_true: the kernel is not flipped
def conv2d_true(x, w):
    return corr2d(x, w)


# %% conv2d_true: the kernel is flipped upside down only
def conv2d_true(x, w):
    return corr2d(x, w[::-1])


# %% conv2d_true: the kernel is flipped left to right only
def conv2d_true(x, w):
    return corr2d(x, w[:, ::-1])


# %% conv2d_true: the kernel is transposed instead of turned
def conv2d_true(x, w):
    return corr2d(x, w.T)


# %% conv2d_true: the kernel is turned by a quarter only
def conv2d_true(x, w):
    return corr2d(x, np.rot90(w))


# %% conv2d_true: places where the kernel sticks out are counted too
def conv2d_true(x, w):
    return corr2d(x, w[::-1, ::-1], padding=(w.shape[0] - 1, w.shape[1] - 1))


# %% edge_kernel: the Sobel kernels of the two directions are exchanged
def edge_kernel(direction):
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return sobel.T if direction == "left_right" else sobel


# %% edge_kernel: the Sobel kernel has the wrong sign
def edge_kernel(direction):
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return -sobel if direction == "left_right" else -sobel.T


# %% edge_kernel: the same Sobel kernel for both directions
def edge_kernel(direction):
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return sobel


# %% match_template: the plain correlation is used: the brightest place wins
def match_template(image, template):
    scores = corr2d(image, template)
    return np.unravel_index(np.argmax(scores), scores.shape)


# %% match_template: the mean is not subtracted
def match_template(image, template):
    h, w = template.shape
    pattern = template
    scores = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for r, c in np.ndindex(*scores.shape):
        window = image[r : r + h, c : c + w]
        length = np.sqrt((window**2).sum() * (pattern**2).sum())
        if length > 0:
            scores[r, c] = (window * pattern).sum() / length
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    return int(row), int(column)


# %% match_template: pixel differences are compared instead of patterns
def match_template(image, template):
    windows = np.lib.stride_tricks.sliding_window_view(image, template.shape)
    differences = ((windows - template) ** 2).sum(axis=(2, 3))
    return np.unravel_index(np.argmin(differences), differences.shape)


# %% match_template: 0/0 of a flat window wins the argmax
def match_template(image, template):
    h, w = template.shape
    pattern = template - template.mean()
    scores = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for r, c in np.ndindex(*scores.shape):
        window = image[r : r + h, c : c + w]
        window = window - window.mean()
        length = np.sqrt((window**2).sum() * (pattern**2).sum())
        scores[r, c] = (window * pattern).sum() / length
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    return int(row), int(column)


# %% match_template: row and column are exchanged
def match_template(image, template):
    h, w = template.shape
    pattern = template - template.mean()
    scores = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for r, c in np.ndindex(*scores.shape):
        window = image[r : r + h, c : c + w]
        window = window - window.mean()
        length = np.sqrt((window**2).sum() * (pattern**2).sum())
        if length > 0:
            scores[r, c] = (window * pattern).sum() / length
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    return int(column), int(row)


# %% match_template: the place of the cut-out's centre
def match_template(image, template):
    h, w = template.shape
    pattern = template - template.mean()
    scores = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for r, c in np.ndindex(*scores.shape):
        window = image[r : r + h, c : c + w]
        window = window - window.mean()
        length = np.sqrt((window**2).sum() * (pattern**2).sum())
        if length > 0:
            scores[r, c] = (window * pattern).sum() / length
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    return int(row) + h // 2, int(column) + w // 2


# %% match_template: the index that argmax gives is returned as it is
def match_template(image, template):
    h, w = template.shape
    pattern = template - template.mean()
    scores = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for r, c in np.ndindex(*scores.shape):
        window = image[r : r + h, c : c + w]
        window = window - window.mean()
        length = np.sqrt((window**2).sum() * (pattern**2).sum())
        if length > 0:
            scores[r, c] = (window * pattern).sum() / length
    return np.argmax(scores)


# %% match_template: the index is unravelled in the picture instead of the map of scores
def match_template(image, template):
    h, w = template.shape
    pattern = template - template.mean()
    scores = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for r, c in np.ndindex(*scores.shape):
        window = image[r : r + h, c : c + w]
        window = window - window.mean()
        length = np.sqrt((window**2).sum() * (pattern**2).sum())
        if length > 0:
            scores[r, c] = (window * pattern).sum() / length
    row, column = np.unravel_index(np.argmax(scores), image.shape)
    return int(row), int(column)


# %% match_template: the means are subtracted, but the scores are not divided
def match_template(image, template):
    h, w = template.shape
    pattern = template - template.mean()
    scores = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for r, c in np.ndindex(*scores.shape):
        window = image[r : r + h, c : c + w]
        scores[r, c] = ((window - window.mean()) * pattern).sum()
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    return int(row), int(column)


# %% match_template: the mean of the whole picture is subtracted from every window
def match_template(image, template):
    h, w = template.shape
    pattern = template - template.mean()
    image = image - image.mean()
    scores = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for r, c in np.ndindex(*scores.shape):
        window = image[r : r + h, c : c + w]
        length = np.sqrt((window**2).sum() * (pattern**2).sum())
        if length > 0:
            scores[r, c] = (window * pattern).sum() / length
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    return int(row), int(column)


# %% match_template: the size of the score counts, not its sign
def match_template(image, template):
    h, w = template.shape
    pattern = template - template.mean()
    scores = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for r, c in np.ndindex(*scores.shape):
        window = image[r : r + h, c : c + w]
        window = window - window.mean()
        length = np.sqrt((window**2).sum() * (pattern**2).sum())
        if length > 0:
            scores[r, c] = abs((window * pattern).sum() / length)
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    return int(row), int(column)


# %% match_template: the last row and the last column of places are not searched
def match_template(image, template):
    h, w = template.shape
    pattern = template - template.mean()
    best, place = -2, None
    for r in range(image.shape[0] - h):
        for c in range(image.shape[1] - w):
            window = image[r : r + h, c : c + w]
            window = window - window.mean()
            length = np.sqrt((window**2).sum() * (pattern**2).sum())
            score = (window * pattern).sum() / length if length > 0 else 0
            if score > best:
                best, place = score, (r, c)
    return place


# %% learn_kernel: the step goes uphill
def learn_kernel(x, y, size, *, lr, steps):
    w = np.zeros(size)
    for _ in range(steps):
        dout = 2 * (corr1d(x, w) - y) / len(y)
        dx, dw = corr1d_backward(dout, x, w)
        w = w + lr * dw
    return w


# %% learn_kernel: only one step is made
def learn_kernel(x, y, size, *, lr, steps):
    w = np.zeros(size)
    for _ in range(steps):
        dout = 2 * (corr1d(x, w) - y) / len(y)
        dx, dw = corr1d_backward(dout, x, w)
        w = w - lr * dw
        return w


# %% learn_kernel: the factor 2 of the square is missing
def learn_kernel(x, y, size, *, lr, steps):
    w = np.zeros(size)
    for _ in range(steps):
        dout = (corr1d(x, w) - y) / len(y)
        dx, dw = corr1d_backward(dout, x, w)
        w = w - lr * dw
    return w


# %% learn_kernel: the loss is the sum instead of the mean
def learn_kernel(x, y, size, *, lr, steps):
    w = np.zeros(size)
    for _ in range(steps):
        dout = 2 * (corr1d(x, w) - y)
        dx, dw = corr1d_backward(dout, x, w)
        w = w - lr * dw
    return w


# %% learn_kernel: the kernel starts at one instead of zero
def learn_kernel(x, y, size, *, lr, steps):
    w = np.ones(size)
    for _ in range(steps):
        dout = 2 * (corr1d(x, w) - y) / len(y)
        dx, dw = corr1d_backward(dout, x, w)
        w = w - lr * dw
    return w


# %% learn_kernel: the step is made with the gradient for the input
def learn_kernel(x, y, size, *, lr, steps):
    w = np.zeros(size)
    for _ in range(steps):
        dout = 2 * (corr1d(x, w) - y) / len(y)
        dw, dx = corr1d_backward(dout, x, w)
        w = w - lr * dw
    return w


# %% learn_kernel: one step too few is made
def learn_kernel(x, y, size, *, lr, steps):
    w = np.zeros(size)
    for _ in range(1, steps):
        dout = 2 * (corr1d(x, w) - y) / len(y)
        dx, dw = corr1d_backward(dout, x, w)
        w = w - lr * dw
    return w


# %% learn_kernel: the mean is taken over the inputs
def learn_kernel(x, y, size, *, lr, steps):
    w = np.zeros(size)
    for _ in range(steps):
        dout = 2 * (corr1d(x, w) - y) / len(x)
        dx, dw = corr1d_backward(dout, x, w)
        w = w - lr * dw
    return w


# %% learn_kernel: every step is made with the error of the first kernel
def learn_kernel(x, y, size, *, lr, steps):
    w = np.zeros(size)
    dout = 2 * (corr1d(x, w) - y) / len(y)
    for _ in range(steps):
        dx, dw = corr1d_backward(dout, x, w)
        w = w - lr * dw
    return w


# %% learn_kernel: the kernel starts as whole numbers
def learn_kernel(x, y, size, *, lr, steps):
    w = np.zeros(size, int)
    for _ in range(steps):
        dout = 2 * (corr1d(x, w) - y) / len(y)
        dx, dw = corr1d_backward(dout, x, w)
        w -= lr * dw
    return w
