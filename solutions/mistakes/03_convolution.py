# Known mistakes in notebook 03, as students write them; each title is the name of a Misconception.


# %% conv2d_naive: the kernel is flipped
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d, :, ::-1, ::-1]).sum() + b[d]
    return out


# %% conv2d_naive: the bias is forgotten
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum()
    return out


# %% conv2d_naive: the bias is added once per channel
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    for k in range(C):
                        window = padded[n, k, top : top + dh * kh : dh, left : left + dw * kw : dw]
                        out[n, d, r, c] += (window * w[d, k]).sum() + b[d]
    return out


# %% conv2d_naive: the bias is added along the width of the output
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum()
    return out + b


# %% conv2d_naive: only the first channel is read
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, 0, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d, 0]).sum() + b[d]
    return out


# %% conv2d_naive: only the last channel counts
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    for k in range(C):
                        window = padded[n, k, top : top + dh * kh : dh, left : left + dw * kw : dw]
                        out[n, d, r, c] = (window * w[d, k]).sum() + b[d]
    return out


# %% conv2d_naive: matrix product instead of element by element
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window @ w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the return stands inside the loop over the images
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
        return out


# %% conv2d_naive: filters come before images in the output
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((D, N, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[d, n, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the kernel is taken to be square
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh = w.shape[:3]
    kw = kh
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the picture is taken to be square
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (H + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the number of filters is used for the size of the kernel
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (D - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (D - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: one row and one column too few
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the padding is forgotten
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H - dh * (kh - 1) - 1) // sh + 1
    ow = (W - dw * (kw - 1) - 1) // sw + 1
    padded = x
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the border is 1 wide, whatever the padding
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the zeros are put on the top and on the left only
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, 0), (pw, 0)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: with padding, windows and filters do not fit together
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, padding)
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the stride is ignored
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (ph, pw), (dh, dw) = pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r, c
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the output is smaller, but the kernel still moves by one
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r, c
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: a stride that leaves a remainder is refused
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    assert (H + 2 * ph - dh * (kh - 1) - 1) % sh == 0
    assert (W + 2 * pw - dw * (kw - 1) - 1) % sw == 0
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: a remainder of the stride ends in a ValueError
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = int(np.ceil((H + 2 * ph - dh * (kh - 1) - 1) / sh)) + 1
    ow = int(np.ceil((W + 2 * pw - dw * (kw - 1) - 1) / sw)) + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the dilation is ignored
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - kh) // sh + 1
    ow = (W + 2 * pw - kw) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + kh, left : left + kw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: the size knows the dilation, the window does not
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + kh, left : left + kw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: a dilated kernel is taken to span d * k
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * kh) // sh + 1
    ow = (W + 2 * pw - dw * kw) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: rows and columns of the pairs are exchanged
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sw, sh), (pw, ph), (dw, dh) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_naive: a pair is used as if it were a number
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    sh = sw = stride
    ph = pw = padding
    dh = dw = dilation
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% dilate_kernel: the weights are repeated where holes belong
def dilate_kernel(w, dilation):
    dh, dw = pair(dilation)
    return np.kron(w, np.ones((1, 1, dh, dw)))


# %% dilate_kernel: there are holes behind the last weight, too
def dilate_kernel(w, dilation):
    dh, dw = pair(dilation)
    D, C, kh, kw = w.shape
    out = np.zeros((D, C, dh * kh, dw * kw))
    out[:, :, ::dh, ::dw] = w
    return out


# %% dilate_kernel: one hole too many between neighbours
def dilate_kernel(w, dilation):
    dh, dw = (step + 1 for step in pair(dilation))
    D, C, kh, kw = w.shape
    out = np.zeros((D, C, dh * (kh - 1) + 1, dw * (kw - 1) + 1))
    out[:, :, ::dh, ::dw] = w
    return out


# %% dilate_kernel: filters and channels are spread out, too
def dilate_kernel(w, dilation):
    dh, dw = pair(dilation)
    D, C, kh, kw = w.shape
    out = np.zeros((dh * (D - 1) + 1, dw * (C - 1) + 1, dh * (kh - 1) + 1, dw * (kw - 1) + 1))
    out[::dh, ::dw, ::dh, ::dw] = w
    return out


# %% dilate_kernel: rows and columns of the pair are exchanged
def dilate_kernel(w, dilation):
    dw, dh = pair(dilation)
    D, C, kh, kw = w.shape
    out = np.zeros((D, C, dh * (kh - 1) + 1, dw * (kw - 1) + 1))
    out[:, :, ::dh, ::dw] = w
    return out


# %% dilate_kernel: a pair is used as if it were a number
def dilate_kernel(w, dilation):
    dh = dw = dilation
    D, C, kh, kw = w.shape
    out = np.zeros((D, C, dh * (kh - 1) + 1, dw * (kw - 1) + 1))
    out[:, :, ::dh, ::dw] = w
    return out


# %% im2col: the windows are rows instead of columns
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N, oh * ow, C * kh * kw)


# %% im2col: one wide matrix for all images
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(1, 4, 5, 0, 2, 3).reshape(C * kh * kw, N * oh * ow)


# %% im2col: reshaped without moving the axes
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows.reshape(N, C * kh * kw, oh * ow)


# %% im2col: a window is read column by column
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(0, 1, 5, 4, 2, 3).reshape(N, C * kh * kw, oh * ow)


# %% im2col: the channels stand side by side in a column
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(0, 4, 5, 1, 2, 3).reshape(N, C * kh * kw, oh * ow)


# %% im2col: the places are visited column by column
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(0, 1, 4, 5, 3, 2).reshape(N, C * kh * kw, oh * ow)


# %% im2col: the windows are flipped
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::-dh, ::-dw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)


# %% im2col: only the first channel is read
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows[:, 0].transpose(0, 3, 4, 1, 2).reshape(N, kh * kw, oh * ow)


# %% im2col: the padding is forgotten
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = x
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)


# %% im2col: the zeros are put on the top and on the left only
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, 0), (pw, 0)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)


# %% im2col: the stride is ignored
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, :, :, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)


# %% im2col: the dilation is ignored
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (kh, kw)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)


# %% im2col: rows and columns of the pairs are exchanged
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sw, sh), (pw, ph), (dw, dh) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)


# %% im2col: a pair is used as if it were a number
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh = kw = kernel_size
    sh = sw = stride
    ph = pw = padding
    dh = dw = dilation
    N, C, H, W = x.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)


# %% im2col: the number of places is rounded up
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = pair(kernel_size)
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    oh = -((dh * (kh - 1) + 1 - H - 2 * ph) // sh) + 1
    ow = -((dw * (kw - 1) + 1 - W - 2 * pw) // sw) + 1
    rows = sh * np.arange(oh) + dh * np.arange(kh)[:, None]
    columns = sw * np.arange(ow) + dw * np.arange(kw)[:, None]
    return padded[:, :, rows[:, None, :, None], columns[None, :, None, :]].reshape(N, C * kh * kw, oh * ow)


# %% conv2d_forward: the kernel is flipped
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w[:, :, ::-1, ::-1].reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the bias is forgotten
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the bias is added along the width of the output
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns
    return out.reshape(N, D, oh, ow) + b, (x, w, stride, padding, dilation)


# %% conv2d_forward: the weights are reshaped to columns instead of turned
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(-1, D).T @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the axis of the filters is not moved before the last reshape
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    patches = windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * oh * ow, C * kh * kw)
    out = patches @ w.reshape(D, -1).T + b
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: images and filters are mixed up in the last reshape
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(1, 4, 5, 0, 2, 3).reshape(C * kh * kw, N * oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: rows and columns are exchanged in the last reshape
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, ow, oh), (x, w, stride, padding, dilation)


# %% conv2d_forward: the width of the output is worked out from the height
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, -1)
    out = w.reshape(D, -1) @ columns + b[:, None]
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (H + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the number of filters is used for the size of the kernel
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    columns = im2col(x, (kh, kw), stride=stride, padding=padding, dilation=dilation)
    out = w.reshape(D, -1) @ columns + b[:, None]
    oh = (H + 2 * ph - dh * (len(w) - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (len(w) - 1) - 1) // sw + 1
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: a window is read column by column
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 5, 4, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the channels stand side by side in a column
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 4, 5, 1, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the kernel is taken to be square
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh = w.shape[:3]
    kw = kh
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the padding is forgotten
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = x
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the border is 1 wide, whatever the padding
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the zeros are put on the top and on the left only
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, 0), (pw, 0)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the stride is ignored
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, :, :, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: a stride that leaves a remainder is refused
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    assert (H + 2 * ph - dh * (kh - 1) - 1) % sh == 0
    assert (W + 2 * pw - dw * (kw - 1) - 1) % sw == 0
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the dilation is ignored
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (kh, kw)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: rows and columns of the pairs are exchanged
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sw, sh), (pw, ph), (dw, dh) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: a pair is used as if it were a number
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    sh = sw = stride
    ph = pw = padding
    dh = dw = dilation
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: the cache is not returned
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow)


# %% conv2d_forward: the cache comes before the output
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return (x, w, stride, padding, dilation), out.reshape(N, D, oh, ow)


# %% conv2d_forward: the padded images are kept in the cache
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(x, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: steps in memory are worked out by hand
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw))) if ph or pw else x
    N, C, H, W = padded.shape
    D, C, kh, kw = w.shape
    oh = (H - dh * (kh - 1) - 1) // sh + 1
    ow = (W - dw * (kw - 1) - 1) // sw + 1
    size = padded.itemsize
    steps = (C * H * W, H * W, dh * W, dw, sh * W, sw)
    strides = tuple(size * step for step in steps)
    columns = np.lib.stride_tricks.as_strided(padded, (N, C, kh, kw, oh, ow), strides)
    out = w.reshape(D, -1) @ columns.reshape(N, C * kh * kw, oh * ow) + b[:, None]
    return out.reshape(N, D, oh, ow), (x, w, stride, padding, dilation)


# %% conv2d_forward: a Python loop over the images
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    D = len(w)
    outs = []
    for image in x:
        columns = im2col(image[None], w.shape[2:], stride=stride, padding=padding, dilation=dilation)[0]
        outs.append(w.reshape(D, -1) @ columns + b[:, None])
    oh = (x.shape[2] + 2 * pair(padding)[0] - pair(dilation)[0] * (w.shape[2] - 1) - 1) // pair(stride)[0] + 1
    return np.array(outs).reshape(len(x), D, oh, -1), (x, w, stride, padding, dilation)


# %% conv2d_forward: a Python loop over the filters
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    columns = im2col(x, w.shape[2:], stride=stride, padding=padding, dilation=dilation)
    maps = [kernel.reshape(-1) @ columns + bias for kernel, bias in zip(w, b, strict=True)]
    oh = (x.shape[2] + 2 * pair(padding)[0] - pair(dilation)[0] * (w.shape[2] - 1) - 1) // pair(stride)[0] + 1
    return np.stack(maps, axis=1).reshape(len(x), len(w), oh, -1), (x, w, stride, padding, dilation)


# %% conv2d_forward: a Python loop over the places of the kernel
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for r in range(oh):
        for c in range(ow):
            top, left = r * sh, c * sw
            windows = padded[:, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
            out[:, :, r, c] = windows.reshape(N, -1) @ w.reshape(D, -1).T + b
    return out, (x, w, stride, padding, dilation)


# %% conv_matrix: the matrix is transposed
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    tall, wide = height + 2 * ph, width + 2 * pw
    oh, ow = (tall - kh) // sh + 1, (wide - kw) // sw + 1
    matrix = np.zeros((oh * ow, tall * wide))
    for row in range(oh * ow):
        r, c = row // ow * sh, row % ow * sw
        for i in range(kh):
            start = (r + i) * wide + c
            matrix[row, start : start + kw] = w[i]
    inside = np.pad(np.ones((height, width), bool), ((ph, ph), (pw, pw))).reshape(-1)
    return matrix[:, inside].T


# %% conv_matrix: the kernel is flipped
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    tall, wide = height + 2 * ph, width + 2 * pw
    oh, ow = (tall - kh) // sh + 1, (wide - kw) // sw + 1
    matrix = np.zeros((oh * ow, tall * wide))
    for row in range(oh * ow):
        r, c = row // ow * sh, row % ow * sw
        for i in range(kh):
            start = (r + i) * wide + c
            matrix[row, start : start + kw] = w[kh - 1 - i, ::-1]
    inside = np.pad(np.ones((height, width), bool), ((ph, ph), (pw, pw))).reshape(-1)
    return matrix[:, inside]


# %% conv_matrix: the rows of the kernel stand without gaps
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    tall, wide = height + 2 * ph, width + 2 * pw
    oh, ow = (tall - kh) // sh + 1, (wide - kw) // sw + 1
    matrix = np.zeros((oh * ow, tall * wide))
    for row in range(oh * ow):
        r, c = row // ow * sh, row % ow * sw
        start = r * wide + c
        matrix[row, start : start + w.size] = w.reshape(-1)
    inside = np.pad(np.ones((height, width), bool), ((ph, ph), (pw, pw))).reshape(-1)
    return matrix[:, inside]


# %% conv_matrix: every row starts one column further, even at the end of a line
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    tall, wide = height + 2 * ph, width + 2 * pw
    oh, ow = (tall - kh) // sh + 1, (wide - kw) // sw + 1
    matrix = np.zeros((oh * ow, tall * wide))
    for row in range(oh * ow):
        for i in range(kh):
            start = row + i * wide
            matrix[row, start : start + kw] = w[i]
    inside = np.pad(np.ones((height, width), bool), ((ph, ph), (pw, pw))).reshape(-1)
    return matrix[:, inside]


# %% conv_matrix: the stride is ignored
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    tall, wide = height + 2 * ph, width + 2 * pw
    oh, ow = tall - kh + 1, wide - kw + 1
    matrix = np.zeros((oh * ow, tall * wide))
    for row in range(oh * ow):
        r, c = row // ow, row % ow
        for i in range(kh):
            start = (r + i) * wide + c
            matrix[row, start : start + kw] = w[i]
    inside = np.pad(np.ones((height, width), bool), ((ph, ph), (pw, pw))).reshape(-1)
    return matrix[:, inside]


# %% conv_matrix: the padding is forgotten
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    tall, wide = height, width
    oh, ow = (tall - kh) // sh + 1, (wide - kw) // sw + 1
    matrix = np.zeros((oh * ow, tall * wide))
    for row in range(oh * ow):
        r, c = row // ow * sh, row % ow * sw
        for i in range(kh):
            start = (r + i) * wide + c
            matrix[row, start : start + kw] = w[i]
    return matrix


# %% conv_matrix: the padded zeros have columns
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    tall, wide = height + 2 * ph, width + 2 * pw
    oh, ow = (tall - kh) // sh + 1, (wide - kw) // sw + 1
    matrix = np.zeros((oh * ow, tall * wide))
    for row in range(oh * ow):
        r, c = row // ow * sh, row % ow * sw
        for i in range(kh):
            start = (r + i) * wide + c
            matrix[row, start : start + kw] = w[i]
    return matrix


# %% conv_matrix: pixels are numbered with the height
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    tall, wide = height + 2 * ph, width + 2 * pw
    oh, ow = (tall - kh) // sh + 1, (wide - kw) // sw + 1
    matrix = np.zeros((oh * ow, tall * wide))
    for row in range(oh * ow):
        r, c = row // ow * sh, row % ow * sw
        for i in range(kh):
            for j in range(kw):
                matrix[row, (r + i) * tall + c + j] = w[i, j]
    inside = np.pad(np.ones((height, width), bool), ((ph, ph), (pw, pw))).reshape(-1)
    return matrix[:, inside]


# %% conv_matrix: rows and columns of the pairs are exchanged
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sw, sh), (pw, ph) = pair(stride), pair(padding)
    kh, kw = w.shape
    oh, ow = (height + 2 * ph - kh) // sh + 1, (width + 2 * pw - kw) // sw + 1
    matrix = np.zeros((oh * ow, height * width))
    for row in range(oh * ow):
        picture = np.zeros((height + 2 * ph, width + 2 * pw))
        r, c = row // ow * sh, row % ow * sw
        picture[r : r + kh, c : c + kw] = w
        matrix[row] = picture[ph : ph + height, pw : pw + width].reshape(-1)
    return matrix


# %% conv_matrix: a pair is used as if it were a number
def conv_matrix(w, height, width, *, stride=1, padding=0):
    kh, kw = w.shape
    tall, wide = height + 2 * padding, width + 2 * padding
    oh, ow = (tall - kh) // stride + 1, (wide - kw) // stride + 1
    matrix = np.zeros((oh * ow, height * width))
    for row in range(oh * ow):
        picture = np.zeros((tall, wide))
        r, c = row // ow * stride, row % ow * stride
        picture[r : r + kh, c : c + kw] = w
        matrix[row] = picture[padding : padding + height, padding : padding + width].reshape(-1)
    return matrix


# %% linear_as_conv: rows and columns of the kernel are exchanged
def linear_as_conv(weight, input_shape):
    C, H, W = input_shape
    return weight.reshape(-1, C, W, H)


# %% linear_as_conv: the kernel is flipped
def linear_as_conv(weight, input_shape):
    C, H, W = input_shape
    return weight.reshape(-1, C, H, W)[:, :, ::-1, ::-1]


# %% linear_as_conv: the neurons are taken for the last axis
def linear_as_conv(weight, input_shape):
    C, H, W = input_shape
    return weight.reshape(C, H, W, -1).transpose(3, 0, 1, 2)


# %% linear_as_conv: the channels are taken to come last
def linear_as_conv(weight, input_shape):
    C, H, W = input_shape
    return weight.reshape(-1, H, W, C).transpose(0, 3, 1, 2)


# %% linear_as_conv: a kernel of 1 x 1 over all the numbers
def linear_as_conv(weight, input_shape):
    C, H, W = input_shape
    return weight.reshape(-1, C * H * W, 1, 1)


# %% compose_kernels: one kernel slides over the other without being flipped
def compose_kernels(w1, w2):
    (M, C, k1h, k1w), (D, M, k2h, k2w) = w1.shape, w2.shape
    out = np.zeros((D, C, k1h + k2h - 1, k1w + k2w - 1))
    for d in range(D):
        for c in range(C):
            for m in range(M):
                for i in range(k2h):
                    for j in range(k2w):
                        out[d, c, i : i + k1h, j : j + k1w] += w2[d, m, k2h - 1 - i, k2w - 1 - j] * w1[m, c]
    return out


# %% compose_kernels: one row and one column of zeros too many
def compose_kernels(w1, w2):
    (M, C, k1h, k1w), (D, M, k2h, k2w) = w1.shape, w2.shape
    out = np.zeros((D, C, k1h + k2h, k1w + k2w))
    for d in range(D):
        for c in range(C):
            for m in range(M):
                for i in range(k2h):
                    for j in range(k2w):
                        out[d, c, i : i + k1h, j : j + k1w] += w2[d, m, i, j] * w1[m, c]
    return out


# %% compose_kernels: only the first channel between the layers is used
def compose_kernels(w1, w2):
    (M, C, k1h, k1w), (D, M, k2h, k2w) = w1.shape, w2.shape
    out = np.zeros((D, C, k1h + k2h - 1, k1w + k2w - 1))
    for d in range(D):
        for c in range(C):
            for m in range(1):
                for i in range(k2h):
                    for j in range(k2w):
                        out[d, c, i : i + k1h, j : j + k1w] += w2[d, m, i, j] * w1[m, c]
    return out


# %% compose_kernels: channels come before filters in the result
def compose_kernels(w1, w2):
    (M, C, k1h, k1w), (D, M, k2h, k2w) = w1.shape, w2.shape
    out = np.zeros((C, D, k1h + k2h - 1, k1w + k2w - 1))
    for d in range(D):
        for c in range(C):
            for m in range(M):
                for i in range(k2h):
                    for j in range(k2w):
                        out[c, d, i : i + k1h, j : j + k1w] += w2[d, m, i, j] * w1[m, c]
    return out


# %% compose_kernels: only places where one kernel lies inside the other
def compose_kernels(w1, w2):
    flipped = w2[:, :, ::-1, ::-1]
    windows = sliding_window_view(w1, w2.shape[2:], axis=(2, 3))
    return np.einsum("mcrsij,dmij->dcrs", windows, flipped)


# %% compose_kernels: the layers are exchanged
def compose_kernels(w1, w2):
    w1, w2 = w2, w1
    D, C = w2.shape[0], w1.shape[1]
    out = np.zeros((D, C, w1.shape[2] + w2.shape[2] - 1, w1.shape[3] + w2.shape[3] - 1))
    for i in range(w2.shape[2]):
        for j in range(w2.shape[3]):
            out[:, :, i : i + w1.shape[2], j : j + w1.shape[3]] += np.einsum(
                "dm,mcij->dcij", w2[:, :, i, j], w1
            )
    return out


# %% pointwise_conv: the bias is forgotten
def pointwise_conv(x, w, b):
    N, C, H, W = x.shape
    D = len(w)
    mixed = w.reshape(D, C) @ x.reshape(N, C, H * W)
    return mixed.reshape(N, D, H, W)


# %% pointwise_conv: the bias is added along the width of the output
def pointwise_conv(x, w, b):
    N, C, H, W = x.shape
    D = len(w)
    mixed = w.reshape(D, C) @ x.reshape(N, C, H * W)
    return mixed.reshape(N, D, H, W) + b


# %% pointwise_conv: filters and channels of the weight are exchanged
def pointwise_conv(x, w, b):
    N, C, H, W = x.shape
    D = len(w)
    mixed = w[:, :, 0, 0].T @ x.reshape(N, C, H * W)
    return mixed.reshape(N, D, H, W) + b[:, None, None]


# %% pointwise_conv: the pictures are cut into pieces of C neighbours
def pointwise_conv(x, w, b):
    N, C, H, W = x.shape
    mixed = x.reshape(-1, C) @ w[:, :, 0, 0].T + b
    return mixed.reshape(N, H, W, len(w)).transpose(0, 3, 1, 2)


# %% pointwise_conv: filters come before images in the output
def pointwise_conv(x, w, b):
    return np.tensordot(w[:, :, 0, 0], x, axes=(1, 1)) + b[:, None, None, None]


# %% grouped_conv2d: every group reads the first channels
def grouped_conv2d(x, w, b, *, groups, stride=1, padding=0):
    C, D = x.shape[1] // groups, len(w) // groups
    outs = []
    for g in range(groups):
        channels, filters = slice(C), slice(g * D, (g + 1) * D)
        out, _ = conv2d_forward(x[:, channels], w[filters], b[filters], stride=stride, padding=padding)
        outs.append(out)
    return np.concatenate(outs, axis=1)


# %% grouped_conv2d: the channels are dealt out in turn
def grouped_conv2d(x, w, b, *, groups, stride=1, padding=0):
    C, D = x.shape[1] // groups, len(w) // groups
    outs = []
    for g in range(groups):
        channels, filters = slice(g, None, groups), slice(g * D, (g + 1) * D)
        out, _ = conv2d_forward(x[:, channels], w[filters], b[filters], stride=stride, padding=padding)
        outs.append(out)
    return np.concatenate(outs, axis=1)


# %% grouped_conv2d: all groups get the bias of the first
def grouped_conv2d(x, w, b, *, groups, stride=1, padding=0):
    C, D = x.shape[1] // groups, len(w) // groups
    outs = []
    for g in range(groups):
        channels, filters = slice(g * C, (g + 1) * C), slice(g * D, (g + 1) * D)
        out, _ = conv2d_forward(x[:, channels], w[filters], b[:D], stride=stride, padding=padding)
        outs.append(out)
    return np.concatenate(outs, axis=1)


# %% grouped_conv2d: the groups' outputs are added up
def grouped_conv2d(x, w, b, *, groups, stride=1, padding=0):
    C, D = x.shape[1] // groups, len(w) // groups
    outs = []
    for g in range(groups):
        channels, filters = slice(g * C, (g + 1) * C), slice(g * D, (g + 1) * D)
        out, _ = conv2d_forward(x[:, channels], w[filters], b[filters], stride=stride, padding=padding)
        outs.append(out)
    return sum(outs)


# %% conv3d: the kernel is flipped
def conv3d(x, w, b, *, stride=1, padding=0):
    st, sh, sw = stride if isinstance(stride, tuple) else (stride,) * 3
    pt, ph, pw = padding if isinstance(padding, tuple) else (padding,) * 3
    padded = np.pad(x, ((0, 0), (0, 0), (pt, pt), (ph, ph), (pw, pw)))
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3, 4))[:, :, ::st, ::sh, ::sw]
    out = np.tensordot(windows, w[:, :, ::-1, ::-1, ::-1], axes=((1, 5, 6, 7), (1, 2, 3, 4)))
    return out.transpose(0, 4, 1, 2, 3) + b[:, None, None, None]


# %% conv3d: the bias is forgotten
def conv3d(x, w, b, *, stride=1, padding=0):
    st, sh, sw = stride if isinstance(stride, tuple) else (stride,) * 3
    pt, ph, pw = padding if isinstance(padding, tuple) else (padding,) * 3
    padded = np.pad(x, ((0, 0), (0, 0), (pt, pt), (ph, ph), (pw, pw)))
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3, 4))[:, :, ::st, ::sh, ::sw]
    out = np.tensordot(windows, w, axes=((1, 5, 6, 7), (1, 2, 3, 4)))
    return out.transpose(0, 4, 1, 2, 3)


# %% conv3d: the kernel does not slide along the time
def conv3d(x, w, b, *, stride=1, padding=0):
    st, sh, sw = stride if isinstance(stride, tuple) else (stride,) * 3
    pt, ph, pw = padding if isinstance(padding, tuple) else (padding,) * 3
    padded = np.pad(x, ((0, 0), (0, 0), (pt, pt), (ph, ph), (pw, pw)))
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3, 4))[:, :, :1, ::sh, ::sw]
    out = np.tensordot(windows, w, axes=((1, 5, 6, 7), (1, 2, 3, 4)))
    return out.transpose(0, 4, 1, 2, 3) + b[:, None, None, None]


# %% conv3d: the time is not padded
def conv3d(x, w, b, *, stride=1, padding=0):
    st, sh, sw = stride if isinstance(stride, tuple) else (stride,) * 3
    pt, ph, pw = padding if isinstance(padding, tuple) else (padding,) * 3
    padded = np.pad(x, ((0, 0), (0, 0), (0, 0), (ph, ph), (pw, pw)))
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3, 4))[:, :, ::st, ::sh, ::sw]
    out = np.tensordot(windows, w, axes=((1, 5, 6, 7), (1, 2, 3, 4)))
    return out.transpose(0, 4, 1, 2, 3) + b[:, None, None, None]


# %% conv3d: the stride does not hold for the time
def conv3d(x, w, b, *, stride=1, padding=0):
    st, sh, sw = stride if isinstance(stride, tuple) else (stride,) * 3
    pt, ph, pw = padding if isinstance(padding, tuple) else (padding,) * 3
    padded = np.pad(x, ((0, 0), (0, 0), (pt, pt), (ph, ph), (pw, pw)))
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3, 4))[:, :, ::1, ::sh, ::sw]
    out = np.tensordot(windows, w, axes=((1, 5, 6, 7), (1, 2, 3, 4)))
    return out.transpose(0, 4, 1, 2, 3) + b[:, None, None, None]


# %% conv2d_naive: the padding is forgotten && the dilation is ignored
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    sh, sw = pair(stride)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    oh = (H - kh) // sh + 1
    ow = (W - kw) // sw + 1
    padded = x
    out = np.zeros((N, D, oh, ow))
    for n in range(N):
        for d in range(D):
            for r in range(oh):
                for c in range(ow):
                    top, left = r * sh, c * sw
                    window = padded[n, :, top : top + kh, left : left + kw]
                    out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out


# %% conv2d_forward: the padded images are kept in the cache && rows and columns are exchanged in the last reshape
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    N, C, H, W = x.shape
    D, C, kh, kw = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(x, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    oh, ow = windows.shape[2:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, oh * ow)
    out = w.reshape(D, -1) @ columns + b[:, None]
    return out.reshape(N, D, ow, oh), (x, w, stride, padding, dilation)
