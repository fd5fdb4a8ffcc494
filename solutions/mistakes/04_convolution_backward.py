# Known mistakes in notebook 04, as students write them; each title is the name of a Misconception.

# %% numeric_gradient: a one-sided difference
def numeric_gradient(f, x, *, h=1e-5):
    x = x.astype(float)
    below = f(x)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        old = x[index]
        x[index] = old + h
        above = f(x)
        x[index] = old
        gradient[index] = (above - below) / h
    return gradient


# %% numeric_gradient: the difference is divided by h, not by 2 h
def numeric_gradient(f, x, *, h=1e-5):
    x = x.astype(float)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        old = x[index]
        x[index] = old + h
        above = f(x)
        x[index] = old - h
        below = f(x)
        x[index] = old
        gradient[index] = (above - below) / h
    return gradient


# %% numeric_gradient: `/ 2 * h` divides by 2 and then multiplies by h
def numeric_gradient(f, x, *, h=1e-5):
    x = x.astype(float)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        old = x[index]
        x[index] = old + h
        above = f(x)
        x[index] = old - h
        below = f(x)
        x[index] = old
        gradient[index] = (above - below) / 2 * h
    return gradient


# %% numeric_gradient: the step is always 1e-5: the argument h is not used
def numeric_gradient(f, x, *, h=1e-5):
    step = 1e-5
    x = x.astype(float)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        old = x[index]
        x[index] = old + step
        above = f(x)
        x[index] = old - step
        below = f(x)
        x[index] = old
        gradient[index] = (above - below) / (2 * step)
    return gradient


# %% numeric_gradient: all numbers of x are nudged at once
def numeric_gradient(f, x, *, h=1e-5):
    return (f(x + h) - f(x - h)) / (2 * h)


# %% numeric_gradient: a whole row of x is nudged at once
def numeric_gradient(f, x, *, h=1e-5):
    x = x.astype(float)
    gradient = np.zeros(x.shape)
    for index in range(len(x)):
        old = x[index].copy()
        x[index] = old + h
        above = f(x)
        x[index] = old - h
        below = f(x)
        x[index] = old
        gradient[index] = (above - below) / (2 * h)
    return gradient


# %% numeric_gradient: the nudge is lost, because x holds whole numbers
def numeric_gradient(f, x, *, h=1e-5):
    x = x.copy()
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        old = x[index]
        x[index] = old + h
        above = f(x)
        x[index] = old - h
        below = f(x)
        x[index] = old
        gradient[index] = (above - below) / (2 * h)
    return gradient


# %% numeric_gradient: the gradient is stored as whole numbers, so fractions are cut off
def numeric_gradient(f, x, *, h=1e-5):
    gradient = np.zeros_like(x)
    x = x.astype(float)
    for index in np.ndindex(*x.shape):
        old = x[index]
        x[index] = old + h
        above = f(x)
        x[index] = old - h
        below = f(x)
        x[index] = old
        gradient[index] = (above - below) / (2 * h)
    return gradient


# %% numeric_gradient: x and the gradient hold whole numbers: the nudge is cut down, and so is the result
def numeric_gradient(f, x, *, h=1e-5):
    gradient = np.zeros_like(x)
    x = x.copy()
    for index in np.ndindex(*x.shape):
        old = x[index]
        x[index] = old + h
        above = f(x)
        x[index] = old - h
        below = f(x)
        x[index] = old
        gradient[index] = (above - below) / (2 * h)
    return gradient


# %% numeric_gradient: x itself is nudged, and f was looking at it
def numeric_gradient(f, x, *, h=1e-5):
    if x.dtype != float:
        x = x.astype(float)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        old = x[index]
        x[index] = old + h
        above = f(x)
        x[index] = old - h
        below = f(x)
        x[index] = old
        gradient[index] = (above - below) / (2 * h)
    return gradient


# %% numeric_gradient: a number is not put back before the next one is nudged
def numeric_gradient(f, x, *, h=1e-5):
    x = x.astype(float)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        x[index] += h
        above = f(x)
        x[index] -= 2 * h
        below = f(x)
        gradient[index] = (above - below) / (2 * h)
    return gradient


# %% numeric_gradient: the gradient is 0 everywhere
def numeric_gradient(f, x, *, h=1e-5):
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        right = left = x.astype(float)
        right[index] += h
        left[index] -= h
        gradient[index] = (f(right) - f(left)) / (2 * h)
    return gradient


# %% kernel_gradient: the upstream gradient is flipped
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    kh, kw = x.shape[0] - oh + 1, x.shape[1] - ow + 1
    dk = np.zeros((kh, kw))
    for a in range(kh):
        for b in range(kw):
            dk[a, b] = (x[a : a + oh, b : b + ow] * dout[::-1, ::-1]).sum()
    return dk


# %% kernel_gradient: the upstream gradient is taken for ones
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    kh, kw = x.shape[0] - oh + 1, x.shape[1] - ow + 1
    dk = np.zeros((kh, kw))
    for a in range(kh):
        for b in range(kw):
            dk[a, b] = x[a : a + oh, b : b + ow].sum()
    return dk


# %% kernel_gradient: the gradient is averaged over the outputs
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    kh, kw = x.shape[0] - oh + 1, x.shape[1] - ow + 1
    dk = np.zeros((kh, kw))
    for a in range(kh):
        for b in range(kw):
            dk[a, b] = (x[a : a + oh, b : b + ow] * dout).mean()
    return dk


# %% kernel_gradient: x is read at r - a instead of r + a
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    kh, kw = x.shape[0] - oh + 1, x.shape[1] - ow + 1
    dk = np.zeros((kh, kw))
    for a in range(kh):
        for b in range(kw):
            for r in range(oh):
                for c in range(ow):
                    dk[a, b] += dout[r, c] * x[r - a, c - b]
    return dk


# %% kernel_gradient: the kernel is taken to be square
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    k = x.shape[0] - oh + 1
    dk = np.zeros((k, k))
    for a in range(k):
        for b in range(k):
            dk[a, b] = (x[a : a + oh, b : b + ow] * dout).sum()
    return dk


# %% kernel_gradient: the kernel is taken to be as large as the upstream gradient
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    dk = np.zeros((oh, ow))
    for a in range(oh):
        for b in range(ow):
            dk[a, b] = (x[a : a + oh, b : b + ow] * dout).sum()
    return dk


# %% kernel_gradient: one row and one column are missing
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    kh, kw = x.shape[0] - oh, x.shape[1] - ow
    dk = np.zeros((kh, kw))
    for a in range(kh):
        for b in range(kw):
            dk[a, b] = (x[a : a + oh, b : b + ow] * dout).sum()
    return dk


# %% kernel_gradient: places are counted where the upstream gradient hangs over the edge
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    x = np.pad(x, ((oh - 1, oh - 1), (ow - 1, ow - 1)))
    kh, kw = x.shape[0] - oh + 1, x.shape[1] - ow + 1
    dk = np.zeros((kh, kw))
    for a in range(kh):
        for b in range(kw):
            dk[a, b] = (x[a : a + oh, b : b + ow] * dout).sum()
    return dk


# %% kernel_gradient: the gradient is stored as whole numbers, so fractions are cut off
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    kh, kw = x.shape[0] - oh + 1, x.shape[1] - ow + 1
    dk = np.zeros((kh, kw), dtype=x.dtype)
    for a in range(kh):
        for b in range(kw):
            dk[a, b] = (x[a : a + oh, b : b + ow] * dout).sum()
    return dk


# %% kernel_gradient: the gradient is added up in whole numbers, so fractions are cut off every time
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    kh, kw = x.shape[0] - oh + 1, x.shape[1] - ow + 1
    dk = np.zeros((kh, kw), dtype=x.dtype)
    for a in range(kh):
        for b in range(kw):
            for r in range(oh):
                for c in range(ow):
                    dk[a, b] += dout[r, c] * x[r + a, c + b]
    return dk


# %% input_gradient: the kernel is not flipped
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    wide = np.pad(dout, ((kh - 1, kh - 1), (kw - 1, kw - 1)))
    dx = np.zeros((oh + kh - 1, ow + kw - 1))
    for r in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            dx[r, c] = (wide[r : r + kh, c : c + kw] * w).sum()
    return dx


# %% input_gradient: the kernel is flipped along one axis only
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    wide = np.pad(dout, ((kh - 1, kh - 1), (kw - 1, kw - 1)))
    dx = np.zeros((oh + kh - 1, ow + kw - 1))
    for r in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            dx[r, c] = (wide[r : r + kh, c : c + kw] * w[::-1]).sum()
    return dx


# %% input_gradient: only places where the kernel lies inside the upstream gradient are counted
def input_gradient(w, dout):
    kh, kw = w.shape
    dx = np.zeros((dout.shape[0] - kh + 1, dout.shape[1] - kw + 1))
    for r in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            dx[r, c] = (dout[r : r + kh, c : c + kw] * w[::-1, ::-1]).sum()
    return dx


# %% input_gradient: the gradient has the size of the upstream gradient
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    dx = np.zeros((oh, ow))
    for r in range(oh):
        for c in range(ow):
            for a in range(kh):
                for b in range(kw):
                    if 0 <= r - a < oh and 0 <= c - b < ow:
                        dx[r, c] += dout[r - a, c - b] * w[a, b]
    return dx


# %% input_gradient: negative places of the upstream gradient are read from its other end
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    dx = np.zeros((oh + kh - 1, ow + kw - 1))
    for r in range(oh + kh - 1):
        for c in range(ow + kw - 1):
            for a in range(kh):
                for b in range(kw):
                    if r - a < oh and c - b < ow:
                        dx[r, c] += dout[r - a, c - b] * w[a, b]
    return dx


# %% input_gradient: a place beyond the last row or column of an array is asked for
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    dx = np.zeros((oh + kh - 1, ow + kw - 1))
    for r in range(oh + kh - 1):
        for c in range(ow + kw - 1):
            for a in range(kh):
                for b in range(kw):
                    dx[r, c] += dout[r - a, c - b] * w[a, b]
    return dx


# %% input_gradient: the gradient is added up in whole numbers, so fractions are cut off every time
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    dx = np.zeros((oh + kh - 1, ow + kw - 1), dtype=w.dtype)
    for r in range(oh + kh - 1):
        for c in range(ow + kw - 1):
            for a in range(kh):
                for b in range(kw):
                    if 0 <= r - a < oh and 0 <= c - b < ow:
                        dx[r, c] += dout[r - a, c - b] * w[a, b]
    return dx


# %% input_gradient: overlapping windows are assigned, not added
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    dx = np.zeros((oh + kh - 1, ow + kw - 1))
    for r in range(oh):
        for c in range(ow):
            dx[r : r + kh, c : c + kw] = dout[r, c] * w
    return dx


# %% input_gradient: one zero too many on each side
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    wide = np.pad(dout, ((kh, kh), (kw, kw)))
    dx = np.zeros((oh + kh + 1, ow + kw + 1))
    for r in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            dx[r, c] = (wide[r : r + kh, c : c + kw] * w[::-1, ::-1]).sum()
    return dx


# %% input_gradient: the gradient is stored as whole numbers, so fractions are cut off
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    wide = np.pad(dout, ((kh - 1, kh - 1), (kw - 1, kw - 1)))
    dx = np.zeros((oh + kh - 1, ow + kw - 1), dtype=w.dtype)
    for r in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            dx[r, c] = (wide[r : r + kh, c : c + kw] * w[::-1, ::-1]).sum()
    return dx


# %% input_gradient: always one zero on each side, whatever the size of the kernel
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    wide = np.pad(dout, 1)
    dx = np.zeros((oh + 2 - kh + 1, ow + 2 - kw + 1))
    for r in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            dx[r, c] = (wide[r : r + kh, c : c + kw] * w[::-1, ::-1]).sum()
    return dx


# %% input_gradient: the kernel starts one row and one column too early: everything is shifted by one
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    wide = np.pad(dout, ((kh, kh), (kw, kw)))
    dx = np.zeros((oh + kh - 1, ow + kw - 1))
    for r in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            dx[r, c] = (wide[r : r + kh, c : c + kw] * w[::-1, ::-1]).sum()
    return dx


# %% input_gradient: the kernel's height is used for its width, too
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    wide = np.pad(dout, kh - 1)
    dx = np.zeros((oh + kh - 1, wide.shape[1] - kw + 1))
    for r in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            dx[r, c] = (wide[r : r + kh, c : c + kw] * w[::-1, ::-1]).sum()
    return dx


# %% input_gradient: the padded kernel is correlated with the upstream gradient, and neither is flipped
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    wide = np.pad(w, ((oh - 1, oh - 1), (ow - 1, ow - 1)))
    dx = np.zeros((oh + kh - 1, ow + kw - 1))
    for r in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            dx[r, c] = (wide[r : r + oh, c : c + ow] * dout).sum()
    return dx


# %% input_gradient: the upstream gradient is taken for ones
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    dx = np.zeros((oh + kh - 1, ow + kw - 1))
    for r in range(oh):
        for c in range(ow):
            dx[r : r + kh, c : c + kw] += w
    return dx


# %% col2im: each tap overwrites what landed before
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    rows = dh * np.repeat(np.arange(kh), kw)[:, None] + sh * np.repeat(np.arange(oh), ow)
    columns = dw * np.tile(np.arange(kw), kh)[:, None] + sw * np.tile(np.arange(ow), oh)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    x[:, :, rows, columns] += cols.reshape(N, C, kh * kw, oh * ow)
    return x[:, :, ph : ph + H, pw : pw + W]


# %% col2im: each window overwrites what landed before
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(oh):
        for j in range(ow):
            for a in range(kh):
                for b in range(kw):
                    x[:, :, i * sh + a * dh, j * sw + b * dw] = cols[:, :, a, b, i, j]
    return x[:, :, ph : ph + H, pw : pw + W]


# %% col2im: cropped with [p:-p], which is empty at padding 0
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(oh):
        for j in range(ow):
            for a in range(kh):
                for b in range(kw):
                    x[:, :, i * sh + a * dh, j * sw + b * dw] += cols[:, :, a, b, i, j]
    return x[:, :, ph:-ph, pw:-pw]


# %% col2im: the padding is still on it
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(oh):
        for j in range(ow):
            for a in range(kh):
                for b in range(kw):
                    x[:, :, i * sh + a * dh, j * sw + b * dw] += cols[:, :, a, b, i, j]
    return x


# %% col2im: of the taps the kernel's columns are read first
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kw, kh, oh, ow)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(oh):
        for j in range(ow):
            for a in range(kh):
                for b in range(kw):
                    x[:, :, i * sh + a * dh, j * sw + b * dw] += cols[:, :, b, a, i, j]
    return x[:, :, ph : ph + H, pw : pw + W]


# %% col2im: the padding is cut off at one end only
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(oh):
        for j in range(ow):
            for a in range(kh):
                for b in range(kw):
                    x[:, :, i * sh + a * dh, j * sw + b * dw] += cols[:, :, a, b, i, j]
    return x[:, :, :H, :W]


# %% col2im: the windows are laid side by side at stride 1
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(oh):
        for j in range(ow):
            for a in range(kh):
                for b in range(kw):
                    x[:, :, i + a * dh, j + b * dw] += cols[:, :, a, b, i, j]
    return x[:, :, ph : ph + H, pw : pw + W]


# %% col2im: the taps are laid side by side, without dilation
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(oh):
        for j in range(ow):
            for a in range(kh):
                for b in range(kw):
                    x[:, :, i * sh + a, j * sw + b] += cols[:, :, a, b, i, j]
    return x[:, :, ph : ph + H, pw : pw + W]


# %% col2im: divided by the number of windows that cover a place
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    count = np.zeros_like(x)
    for i in range(oh):
        for j in range(ow):
            for a in range(kh):
                for b in range(kw):
                    x[:, :, i * sh + a * dh, j * sw + b * dw] += cols[:, :, a, b, i, j]
                    count[:, :, i * sh + a * dh, j * sw + b * dw] += 1
    x /= np.maximum(count, 1)
    return x[:, :, ph : ph + H, pw : pw + W]


# %% col2im: the rows of cols are read taps first, channels last
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, kh, kw, C, oh, ow).transpose(0, 3, 1, 2, 4, 5)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(oh):
        for j in range(ow):
            for a in range(kh):
                for b in range(kw):
                    x[:, :, i * sh + a * dh, j * sw + b * dw] += cols[:, :, a, b, i, j]
    return x[:, :, ph : ph + H, pw : pw + W]


# %% col2im: rows and columns that no window reached are missing
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    x = np.zeros((N, C, (oh - 1) * sh + dh * (kh - 1) + 1, (ow - 1) * sw + dw * (kw - 1) + 1))
    for i in range(oh):
        for j in range(ow):
            for a in range(kh):
                for b in range(kw):
                    x[:, :, i * sh + a * dh, j * sw + b * dw] += cols[:, :, a, b, i, j]
    return x[:, :, ph : ph + H, pw : pw + W]


# %% col2im: of each pair of options the first number is used for both directions
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    sw, pw, dw = sh, ph, dh
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for a in range(kh):
        for b in range(kw):
            rows = a * dh + sh * np.arange(oh)
            columns = b * dw + sw * np.arange(ow)
            x[:, :, rows[:, None], columns] += cols[:, :, a, b]
    return x[:, :, ph : ph + H, pw : pw + W]


# %% col2im: pairs of options are read as (width, height)
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sw, sh), (pw, ph), (dw, dh) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for a in range(kh):
        for b in range(kw):
            rows = a * dh + sh * np.arange(oh)
            columns = b * dw + sw * np.arange(ow)
            x[:, :, rows[:, None], columns] += cols[:, :, a, b]
    return x[:, :, ph : ph + H, pw : pw + W]


# %% conv2d_backward: dx is cropped with [p:-p], which is empty at padding 0
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph:-ph, pw:-pw], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dx still has the padding around it
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded, dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dw: each window overwrites the one before it
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw = np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dw is turned by 180 degrees
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], np.flip(dw, (2, 3)), dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dw: only the first image counts
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream[:1].T, padded[:1, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: db is the mean instead of the sum
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.mean(axis=(0, 2, 3))


# %% conv2d_backward: db is averaged over the images
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3)) / len(x)


# %% conv2d_backward: dw is averaged over the images
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw / len(x), dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dx: the padding is cut off at one end only
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, :H, :W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dx: each window overwrites the one before it
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] = np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dx: each window overwrites the one before it, filter after filter
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
        columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
        dpadded[n, :, rows, columns] = dout[n, d, i, j] * w[d]
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dx: each tap's share overwrites the one before it
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    (H, W), (kh, kw), (oh, ow) = x.shape[2:], w.shape[2:], dout.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for a, b in np.ndindex(kh, kw):
        rows = slice(a * dh, a * dh + sh * (oh - 1) + 1, sh)
        columns = slice(b * dw_, b * dw_ + sw * (ow - 1) + 1, sw)
        dpadded[:, :, rows, columns] = np.einsum("ndij,dc->ncij", dout, w[:, :, a, b])
        dw[:, :, a, b] = np.einsum("ndij,ncij->dc", dout, padded[:, :, rows, columns])
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dx: the kernel is turned the wrong way round
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
        columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d, :, ::-1, ::-1]
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dx and dw are swapped
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dw, dpadded[:, :, ph : ph + H, pw : pw + W], dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: the upstream gradient is taken for ones
def conv2d_backward(dout, cache):
    dout = np.ones(dout.shape)
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    (H, W), (kh, kw), (oh, ow) = x.shape[2:], w.shape[2:], dout.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for a, b in np.ndindex(kh, kw):
        rows = slice(a * dh, a * dh + sh * (oh - 1) + 1, sh)
        columns = slice(b * dw_, b * dw_ + sw * (ow - 1) + 1, sw)
        dpadded[:, :, rows, columns] += np.einsum("ndij,dc->ncij", dout, w[:, :, a, b])
        dw[:, :, a, b] = np.einsum("ndij,ncij->dc", dout, padded[:, :, rows, columns])
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dw and db are averaged over the images
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw / len(x), dout.sum(axis=(0, 2, 3)) / len(x)


# %% conv2d_backward: dw: only the last image counts
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded = np.zeros(padded.shape)
    for n in range(len(x)):
        dw = np.zeros(w.shape)
        for d, i, j in np.ndindex(*dout.shape[1:]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
            dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: db is not summed over the images
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(2, 3))


# %% conv2d_backward: db is not summed over rows and columns
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=0)


# %% conv2d_backward: db is a single number, the sum over all filters
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum()


# %% conv2d_backward: db has the shape (1, D) instead of (D,)
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(2, 3)).sum(axis=0, keepdims=True)


# %% conv2d_backward: db has the shape (D, 1) instead of (D,)
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3)).reshape(-1, 1)


# %% conv2d_backward: db has the shape (1, D, 1, 1) instead of (D,)
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3), keepdims=True)


# %% conv2d_backward: the stride is forgotten on the way back
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i, i + dh * (kh - 1) + 1, dh)
        columns = slice(j, j + dw_ * (kw - 1) + 1, dw_)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dw: each window overwrites the one before it, image after image
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
        columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
        dw[d] = dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dw: the stride is forgotten
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
        columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
        rows = slice(i, i + dh * (kh - 1) + 1, dh)
        columns = slice(j, j + dw_ * (kw - 1) + 1, dw_)
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dx: the stride is forgotten
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i, i + dh * (kh - 1) + 1, dh)
        columns = slice(j, j + dw_ * (kw - 1) + 1, dw_)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
        rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
        columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: the dilation is forgotten on the way back
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i * sh, i * sh + kh)
        columns = slice(j * sw, j * sw + kw)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dw: the dilation is forgotten
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
        columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
        rows = slice(i * sh, i * sh + kh)
        columns = slice(j * sw, j * sw + kw)
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dx: the dilation is forgotten
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i * sh, i * sh + kh)
        columns = slice(j * sw, j * sw + kw)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
        rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
        columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: of each pair of options the first number is used for both directions
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    sh = sw = pair(stride)[0]
    ph = pw = pair(padding)[0]
    dh = dw_ = pair(dilation)[0]
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
        columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: pairs of options are read as (width, height)
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sw, sh), (pw, ph), (dw_, dh) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
        columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: dx lacks rows and columns that no window reached
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    (H, W), (kh, kw), (oh, ow) = x.shape[2:], w.shape[2:], dout.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    reach = (oh - 1) * sh + dh * (kh - 1) + 1, (ow - 1) * sw + dw_ * (kw - 1) + 1
    dpadded, dw = np.zeros((*x.shape[:2], *reach)), np.zeros(w.shape)
    for a, b in np.ndindex(kh, kw):
        rows = slice(a * dh, a * dh + sh * (oh - 1) + 1, sh)
        columns = slice(b * dw_, b * dw_ + sw * (ow - 1) + 1, sw)
        dpadded[:, :, rows, columns] += np.einsum("ndij,dc->ncij", dout, w[:, :, a, b])
        dw[:, :, a, b] = np.einsum("ndij,ncij->dc", dout, padded[:, :, rows, columns])
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3))


# %% conv_transpose2d: the kernel is turned the wrong way round
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (N, C, H, W), (kh, kw) = x.shape, w.shape[2:]
    apart = np.zeros((N, C, (H - 1) * sh + 1, (W - 1) * sw + 1))
    apart[:, :, ::sh, ::sw] = x
    wide = np.pad(apart, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, (kh, kw), axis=(2, 3))
    out = np.einsum("ncijkl,cdkl->ndij", windows, w)
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width] + b[:, None, None]


# %% conv_transpose2d: each stamp overwrites what was there
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] = stamp
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width] + b[:, None, None]


# %% conv_transpose2d: each tap's share overwrites what was there
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for k in range(kh):
        for m in range(kw):
            share = np.einsum("nchw,cd->ndhw", x, w[:, :, k, m])
            out[:, :, k : k + (H - 1) * sh + 1 : sh, m : m + (W - 1) * sw + 1 : sw] = share
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width] + b[:, None, None]


# %% conv_transpose2d: cropped with [p:-p], which is empty at padding 0
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += stamp
    return out[:, :, ph:-ph, pw:-pw] + b[:, None, None]


# %% conv_transpose2d: the padding is not cut off
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    sh, sw = pair(stride)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += stamp
    return out + b[:, None, None]


# %% conv_transpose2d: the padding is cut off at one end only
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += stamp
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, :height, :width] + b[:, None, None]


# %% conv_transpose2d: the padding is put around instead of cut off
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += stamp
    out = np.pad(out, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    return out + b[:, None, None]


# %% conv_transpose2d: the stamps stand side by side at stride 1
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i : i + kh, j : j + kw] += stamp
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width] + b[:, None, None]


# %% conv_transpose2d: the first axis of w is taken for the output channels
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[0], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.einsum("nc,dckl->ndkl", x[:, :, i, j], w)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += stamp
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width] + b[:, None, None]


# %% conv_transpose2d: the bias is forgotten
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += stamp
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width]


# %% conv_transpose2d: the bias goes with the columns instead of the channels
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += stamp
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width] + b


# %% conv_transpose2d: the bias is added with every stamp
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += stamp + b[:, None, None]
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width]


# %% conv_transpose2d: of each pair of options the first number is used for both directions
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    sh = sw = pair(stride)[0]
    ph = pw = pair(padding)[0]
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += stamp
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width] + b[:, None, None]


# %% conv_transpose2d: pairs of options are read as (width, height)
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sw, sh), (pw, ph) = pair(stride), pair(padding)
    (H, W), (kh, kw) = x.shape[2:], w.shape[2:]
    out = np.zeros((len(x), w.shape[1], (H - 1) * sh + kh, (W - 1) * sw + kw))
    for i in range(H):
        for j in range(W):
            stamp = np.tensordot(x[:, :, i, j], w, 1)
            out[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += stamp
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width] + b[:, None, None]


# %% conv2d_backward: dx is cropped with [p:-p], which is empty at padding 0 && db is not summed over the images
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            upstream = dout[:, :, i, j]
            dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
            dw += np.tensordot(upstream.T, padded[:, :, rows, columns], 1)
    return dpadded[:, :, ph:-ph, pw:-pw], dw, dout.sum(axis=(2, 3))


# %% conv2d_backward: the stride is forgotten on the way back && db has the shape (1, D) instead of (D,)
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    H, W = x.shape[2:]
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, d, i, j in np.ndindex(*dout.shape):
        rows = slice(i, i + dh * (kh - 1) + 1, dh)
        columns = slice(j, j + dw_ * (kw - 1) + 1, dw_)
        dpadded[n, :, rows, columns] += dout[n, d, i, j] * w[d]
        dw[d] += dout[n, d, i, j] * padded[n, :, rows, columns]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dw, dout.sum(axis=(0, 2, 3)).reshape(1, -1)
