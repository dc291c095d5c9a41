"""How near a resized picture is to the one that another way of resizing gives.

    resizing.py opencv ORIGINAL THUMBNAIL [ORIGINAL THUMBNAIL …]
    resizing.py filters PICTURE FOLDER [PICTURE FOLDER …]

`opencv` resizes each original to its thumbnail's size with OpenCV's INTER_AREA and
INTER_LINEAR and prints for both the mean and the largest difference in levels and the
PSNR in dB: [{"area": {"mean": …, "largest": …, "psnr": …}, "linear": …}, …].

`filters` compares every picture NAME.ppm in FOLDER, which PICTURE was resized to, and
OpenCV's own, with three references computed in double precision, and prints what all
have: [{NAME: {"ideal": {"ssim": …, "psnr": …}, "area": …, "light": …}, …}, …]. `ideal`
is PICTURE cut off at the highest frequency that the small one can hold (the first
coefficients of its discrete cosine transform), `area` the mean of the samples that
each pixel covers, `light` what `ideal` is, of linear light (IEC 61966-2-1), encoded again.
SSIM is that of Wang et al. (2004), with their Gaussian window, a mean over the channels.
With `micros` beside them: OpenCV's own times on one thread.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from scipy.fft import dctn, idctn

OPENCV = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC,
          "lanczos4": cv2.INTER_LANCZOS4}


def read(path):
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"{path} is no picture")
    return picture


def psnr(one, other):
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return 99.0 if error == 0 else float(10 * np.log10(255 ** 2 / error))


def ssim(one, other):
    one, other = one.astype(np.float64), other.astype(np.float64)
    blur = lambda picture: cv2.GaussianBlur(picture, (11, 11), 1.5)[5:-5, 5:-5]
    a, b = blur(one), blur(other)
    aa, bb, ab = blur(one * one) - a * a, blur(other * other) - b * b, blur(one * other) - a * b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    index = (2 * a * b + c1) * (2 * ab + c2) / ((a * a + b * b + c1) * (aa + bb + c2))
    return float(index.mean())


def ideal(picture, size):
    across, down = size
    planes = []
    for plane in np.moveaxis(picture.astype(np.float64), 2, 0):
        low = dctn(plane, norm="ortho")[:down, :across]
        planes.append(idctn(low, norm="ortho") * np.sqrt(across * down / plane.size))
    return np.clip(np.stack(planes, axis=2), 0, 255)


def area(picture, size):
    return cv2.resize(picture.astype(np.float64), size, interpolation=cv2.INTER_AREA)


def light(picture, size):
    v = picture / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    small = ideal(255 * linear, size) / 255
    return 255 * np.where(small <= 0.0031308, 12.92 * small, 1.055 * small ** (1 / 2.4) - 0.055)


def micros(run, rounds=15):
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e6 * float(np.median(times[1:]))


def opencv(original, thumbnail):
    original, thumbnail = read(original), read(thumbnail)
    found = {}
    for name in ("area", "linear"):
        size = thumbnail.shape[1::-1]
        theirs = cv2.resize(original, size, interpolation=OPENCV[name])
        apart = np.abs(thumbnail.astype(int) - theirs)
        found[name] = {"mean": float(apart.mean()), "largest": int(apart.max()),
                       "psnr": psnr(thumbnail, theirs)}
    return found


def filters(picture, folder):
    picture = read(picture)
    small = {path.stem: read(path) for path in sorted(Path(folder).glob("*.ppm"))}
    size = next(iter(small.values())).shape[1::-1]
    resize = lambda way: cv2.resize(picture, size, interpolation=way)
    small.update({f"OpenCV {name}": resize(way) for name, way in OPENCV.items()})
    references = {way.__name__: way(picture, size) for way in (ideal, area, light)}
    found = {}
    for name, ours in small.items():
        found[name] = {reference: {"ssim": ssim(ours, theirs), "psnr": psnr(ours, theirs)}
                       for reference, theirs in references.items()}
    for name, way in OPENCV.items():
        found[f"OpenCV {name}"]["micros"] = micros(lambda: resize(way))
    return found


def main():
    cv2.setNumThreads(1)
    compare = {"opencv": opencv, "filters": filters}[sys.argv[1]]
    paths = sys.argv[2:]
    print(json.dumps([compare(*pair) for pair in zip(paths[::2], paths[1::2])]))


if __name__ == "__main__":
    main()
