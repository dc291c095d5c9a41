"""What the scores take with OpenCV and NumPy, in microseconds a picture.

    timing.py FILE [ROUNDS]

Each number is computed as one would who wants it fast: on one thread, in 8 bit or
single precision, with OpenCV's vectorised functions wherever they are quicker than
NumPy's. Before anything is timed each is compared with the definition (scores.py), so
that nothing is timed which computes something else. The first two frames of FILE
(8 bit, 4:2:0) take turns; the median counts. Prints JSON:
{"opencv": VERSION, "micros": {"brightness": ..., ..., "all": ...}}; `all` computes
all of them and the look, sharing what they have in common.

glibc is told to keep freed memory (mallopt(3)): fresh pages for every intermediate
picture would double the times.
"""

import ctypes
import json
import sys
import time

import cv2
import numpy as np
from scipy.interpolate import BSpline

from scores import BLOCKS, FIELDS, Reference, Stream, bounds

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
# How far a fast expression may be from the definition: most halve the picture in
# 8 bit, where the definition keeps fourths of a level.
CLOSE = 0.02


class Fast:
    """Every characteristic as a function of one picture's planes."""

    def __init__(self, stream, before):
        self.low, self.high = (0, 255) if stream.full else (16, 235)
        self.chroma = 255 if stream.full else 224
        kr, kb = stream.matrix
        red, blue = np.array([0, 2 * (1 - kr)]), np.array([2 * (1 - kb), 0])
        green = -(kr * red + kb * blue) / (1 - kr - kb)
        self.opponents = 255 / self.chroma * np.array([red - green, (red + green) / 2 - blue])
        value = (np.arange(256) - self.low) / (self.high - self.low)
        self.value = np.clip(value, 0, 1)
        bump = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False)
        self.bump = np.nan_to_num(bump(self.value[:, None] * 63 - np.arange(-1, 65)))
        self.clipped = np.interp(value, [.01, .05, .95, .99], [1, 0, 0, 1])
        high, wide = (-(-size // 2) for size in before[0].shape)
        self.across, self.down = bounds(wide, BLOCKS[0]), bounds(high, BLOCKS[1])
        sizes = np.outer(np.diff(self.down), np.diff(self.across))
        self.sizes, self.share = sizes, sizes / sizes.sum()
        self.before = self.blocks(self.half(before))

    def half(self, planes):
        return cv2.resize(planes[0], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

    def histogram(self, half):
        return cv2.calcHist([half], [0], None, [256], [0, 256]).ravel() / half.size

    def blocks(self, half):
        corners = cv2.integral(half)[np.ix_(self.down, self.across)]
        sums = np.diff(np.diff(corners, axis=0), axis=1)
        return (sums / self.sizes - self.low) / (self.high - self.low)

    def brightness(self, planes):
        return (cv2.mean(planes[0])[0] - self.low) / (self.high - self.low)

    def sharpness(self, half):
        half = half.astype(np.float32)
        laplacian = cv2.Laplacian(half, cv2.CV_32F)
        dx = cv2.Sobel(half, cv2.CV_32F, 1, 0, ksize=1)
        dy = cv2.Sobel(half, cv2.CV_32F, 0, 1, ksize=1)
        edge = (dx * dx + dy * dy > (0.07 * (self.high - self.low)) ** 2).view(np.uint8)
        energy = lambda picture: cv2.norm(picture, cv2.NORM_L2SQR, edge)
        ratio = energy(laplacian) / (energy(dx) + energy(dy))
        return ratio / (ratio + 1 / 3)

    def contrast(self, half):
        _, deviation = cv2.meanStdDev(half)
        return min(1.0, 2 * deviation[0, 0] / (self.high - self.low))

    def colorfulness(self, planes):
        (mu, su), (mv, sv) = (cv2.meanStdDev(plane) for plane in planes[1:])
        u, v = (plane.astype(np.float32).ravel() for plane in planes[1:])
        mean = np.array([mu[0, 0], mv[0, 0]])
        both = float(u @ v) / u.size - mean[0] * mean[1]
        covariance = np.array([[su[0, 0] ** 2, both], [both, sv[0, 0] ** 2]])
        spread = np.einsum("ij,jk,ik->", self.opponents, covariance, self.opponents)
        measure = np.sqrt(spread) + 0.3 * np.linalg.norm(self.opponents @ (mean - 128))
        return measure / (measure + 45)

    def entropy(self, histogram):
        shares = histogram @ self.bump
        shannon = lambda shares: -(shares[shares > 0] * np.log2(shares[shares > 0])).sum()
        flat = shannon(np.array([1, 4, 1]) / 6)
        return min(1.0, max(0.0, (shannon(shares) - flat) / (6 - flat)))

    def exposure(self, histogram):
        return 1 - histogram @ self.clipped

    def motion(self, half):
        now = self.blocks(half)
        old = self.before - (self.before * self.share).sum()
        new = now - (now * self.share).sum()
        gain = np.clip((self.share * old * new).sum() / (self.share * old * old).sum(), 0.5, 2)
        change = (new - gain * old) ** 2
        return (self.share * change / (change + 0.05 ** 2)).sum()

    def look(self, planes, half):
        """Luma and colour of 8 x 8 fields."""
        across, down = bounds(half.shape[1], FIELDS), bounds(half.shape[0], FIELDS)
        corners = (cv2.integral(plane)[np.ix_(down, across)] for plane in (half, *planes[1:]))
        return [np.diff(np.diff(corner, axis=0), axis=1) for corner in corners]

    def all(self, planes):
        half = self.half(planes)
        histogram = self.histogram(half)
        light, moved = self.brightness(planes), self.motion(half)
        return {"brightness": light, "darkness": 1 - light, "sharpness": self.sharpness(half),
                "contrast": self.contrast(half), "colorfulness": self.colorfulness(planes),
                "entropy": self.entropy(histogram), "motion": moved, "stillness": 1 - moved,
                "exposure": self.exposure(histogram)}, self.look(planes, half)

    def alone(self):
        """Each by itself, with all that it needs."""
        of_half = lambda score: lambda planes: score(self.half(planes))
        of_histogram = lambda score: lambda planes: score(self.histogram(self.half(planes)))
        return {"brightness": self.brightness,
                "darkness": lambda planes: 1 - self.brightness(planes),
                "sharpness": of_half(self.sharpness), "contrast": of_half(self.contrast),
                "colorfulness": self.colorfulness, "entropy": of_histogram(self.entropy),
                "motion": of_half(self.motion),
                "stillness": lambda planes: 1 - self.motion(self.half(planes)),
                "exposure": of_histogram(self.exposure)}


def median(run, pictures, rounds):
    times = []
    for turn in range(rounds + 2):
        start = time.perf_counter()
        run(pictures[turn % 2])
        times.append(time.perf_counter() - start)
    return 1e6 * float(np.median(times[2:]))


def main():
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(MMAP_THRESHOLD, 32 << 20)
    mallopt(TRIM_THRESHOLD, 1 << 30)
    cv2.setNumThreads(1)
    stream = Stream(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    frames = stream.frames()
    pictures = [next(frames), next(frames)]
    fast, reference = Fast(stream, pictures[0]), Reference(stream)
    reference.measure(pictures[0])
    expected, work = reference.measure(pictures[1]), fast.alone()
    together, _ = fast.all(pictures[1])
    for name, run in work.items():
        for found in (run(pictures[1]), together[name]):
            if abs(found - expected[name]) > CLOSE:
                raise SystemExit(f"{name}: {found} where the definition gives {expected[name]}")
    micros = {name: median(run, pictures, rounds) for name, run in work.items()}
    micros["all"] = median(fast.all, pictures, rounds)
    print(json.dumps({"opencv": cv2.__version__, "micros": micros}))


if __name__ == "__main__":
    main()
