"""What the scores take with OpenCV and NumPy, in microseconds a picture.

    timing.py FILE [ROUNDS]

Each number is computed as one would who wants it fast: on one thread, with OpenCV's
vectorised functions wherever they are quicker than NumPy's. Before anything is timed
each is compared with the definition (scores.py), so that nothing is timed which
computes something else. FILE is 8 bit, 4:2:0; medians count. Prints JSON: {"opencv":
VERSION, "exact": {"brightness": ..., ..., "all": ...}, "rounded": ..., "in_turn": ...}.

`exact` is the same number; `rounded` halves the picture in 8 bit where the definition
keeps fourths of a level, which is quicker and a little off. Both look at one picture
again and again, which then lies in the nearest cache; `in_turn` is `exact` over all
pictures of FILE in turn. `all` computes all scores and the look, sharing what they have
in common.

glibc is told to keep freed memory (mallopt(3)) and has enough of it before anything is
timed: fresh pages for every intermediate picture would double the times.
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
# How far the expressions may be from the definition.
CLOSE = {"exact": 1e-5, "rounded": 0.02}


class Fast:
    """Every characteristic as a function of one picture's planes."""

    def __init__(self, stream, before, exact):
        # Parts of an 8-bit level that are told apart.
        self.exact, self.parts = exact, 4 if exact else 1
        self.low, self.high = (0, 255) if stream.full else (16, 235)
        self.chroma = 255 if stream.full else 224
        kr, kb = stream.matrix
        red, blue = np.array([0, 2 * (1 - kr)]), np.array([2 * (1 - kb), 0])
        green = -(kr * red + kb * blue) / (1 - kr - kb)
        self.opponents = 255 / self.chroma * np.array([red - green, (red + green) / 2 - blue])
        self.edge = np.round(0.07 * self.parts * (self.high - self.low)) / self.parts
        at = lambda luma: np.round(self.parts * (self.low + luma * (self.high - self.low)))
        levels = np.arange(256 * self.parts)
        self.clipped = np.interp(levels, [at(.01), at(.05), at(.95), at(.99)], [1, 0, 0, 1])
        value = (levels / self.parts - self.low) / (self.high - self.low)
        self.value = np.clip(value, 0, 1)
        bump = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False)
        self.bump = np.nan_to_num(bump(self.value[:, None] * 63 - np.arange(-1, 65)))
        high, wide = (-(-size // 2) for size in before[0].shape)
        self.across, self.down = bounds(wide, BLOCKS[0]), bounds(high, BLOCKS[1])
        sizes = np.outer(np.diff(self.down), np.diff(self.across))
        self.sizes, self.share = sizes, sizes / sizes.sum()
        self.before = self.blocks(self.half(before))

    def half(self, planes):
        luma = planes[0].astype(np.float32) if self.exact else planes[0]
        return cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

    def histogram(self, half):
        grid = (4 * half).astype(np.uint16) if self.exact else half
        bins = 256 * self.parts
        return cv2.calcHist([grid], [0], None, [bins], [0, bins]).ravel() / half.size

    def blocks(self, half):
        corners = cv2.integral(half)[np.ix_(self.down, self.across)]
        sums = np.diff(np.diff(corners, axis=0), axis=1)
        return (sums / self.sizes - self.low) / (self.high - self.low)

    def brightness(self, planes):
        return (cv2.mean(planes[0])[0] - self.low) / (self.high - self.low)

    def sharpness(self, half):
        half = half.astype(np.float32, copy=False)
        laplacian = cv2.Laplacian(half, cv2.CV_32F)
        dx = cv2.Sobel(half, cv2.CV_32F, 1, 0, ksize=1)
        dy = cv2.Sobel(half, cv2.CV_32F, 0, 1, ksize=1)
        edge = (dx * dx + dy * dy > self.edge ** 2).view(np.uint8)
        inner = np.s_[1:-1, 1:-1]
        energy = lambda picture: cv2.norm(picture[inner], cv2.NORM_L2SQR, edge[inner])
        ratio = energy(laplacian) / (energy(dx) + energy(dy))
        return ratio / (ratio + 1 / 3)

    def contrast(self, half):
        _, deviation = cv2.meanStdDev(half)
        return min(1.0, 2 * deviation[0, 0] / (self.high - self.low))

    def colorfulness(self, planes):
        (mu, su), (mv, sv) = (cv2.meanStdDev(plane) for plane in planes[1:])
        u, v = (plane.astype(np.float32).ravel() - 128 for plane in planes[1:])
        mean = np.array([mu[0, 0], mv[0, 0]]) - 128
        both = float(u @ v) / u.size - mean[0] * mean[1]
        covariance = np.array([[su[0, 0] ** 2, both], [both, sv[0, 0] ** 2]])
        spread = np.einsum("ij,jk,ik->", self.opponents, covariance, self.opponents)
        measure = np.sqrt(spread) + 0.3 * np.linalg.norm(self.opponents @ mean)
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
        picture = pictures[turn % len(pictures)]
        start = time.perf_counter()
        run(picture)
        times.append(time.perf_counter() - start)
    return 1e6 * float(np.median(times[2:]))


def checked(fast, expected, picture, close):
    """Every way of `fast` to a score, once each agrees with the definition."""
    work, (together, _) = fast.alone(), fast.all(picture)
    for name, run in work.items():
        for found in (run(picture), together[name]):
            if abs(found - expected[name]) > close:
                raise SystemExit(f"{name}: {found} where the definition gives {expected[name]}")
    return {**work, "all": fast.all}


def main():
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(MMAP_THRESHOLD, 32 << 20)
    mallopt(TRIM_THRESHOLD, 1 << 30)
    spare = [np.ones(30 << 20, np.uint8) for _ in range(8)]
    del spare
    cv2.setNumThreads(1)
    stream = Stream(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    pictures = list(stream.frames())
    reference = Reference(stream)
    reference.measure(pictures[0])
    expected, found = reference.measure(pictures[1]), {"opencv": cv2.__version__}
    for name, close in CLOSE.items():
        fast = Fast(stream, pictures[0], exact=name == "exact")
        work = checked(fast, expected, pictures[1], close)
        times = lambda pictures: {name: median(run, pictures, rounds) for name, run in work.items()}
        found[name] = times(pictures[1:2])
        if fast.exact:
            found["in_turn"] = times(pictures)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
