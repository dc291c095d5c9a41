"""The scores of every frame of a video file by every characteristic, computed
independently of bestshot: ffmpeg decodes, OpenCV, SciPy and NumPy do the rest.

    scores.py FILE [--laplacian]

Prints JSON: {"frames": N, "scores": {"brightness": [...], ...}}. The definitions are
those of crates/ranker (`Metric`). With --laplacian it prints instead the mean variance
of OpenCV's Laplacian, the usual measure of focus: {"variance": V}. What the scores take
with OpenCV is measured by timing.py.
"""

import json
import subprocess
import sys

import cv2
import numpy as np
from scipy.interpolate import BSpline
from scipy.stats import entropy as shannon

BLOCKS, FIELDS = (64, 32), 8
NAMES = ("brightness", "darkness", "sharpness", "contrast", "colorfulness",
         "entropy", "motion", "stillness", "exposure")
FORMATS = {
    # name: (bits, chroma shift across, down); None is grey
    "gray": (8, None), "gray10le": (10, None), "gray12le": (12, None),
    "yuv420p": (8, (1, 1)), "yuvj420p": (8, (1, 1)), "yuv420p10le": (10, (1, 1)),
    "yuv420p12le": (12, (1, 1)), "yuv422p": (8, (1, 0)), "yuvj422p": (8, (1, 0)),
    "yuv422p10le": (10, (1, 0)), "yuv444p": (8, (0, 0)), "yuvj444p": (8, (0, 0)),
    "yuv444p10le": (10, (0, 0)),
}


class Stream:
    """What ffprobe says, and the frames that ffmpeg decodes, in their own format."""

    def __init__(self, path):
        probe = subprocess.run(
            ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_streams",
             "-of", "json", path], stdout=subprocess.PIPE, check=True)
        info = json.loads(probe.stdout)["streams"][0]
        self.path, self.width, self.height = path, info["width"], info["height"]
        self.format = info["pix_fmt"]
        self.bits, self.shifts = FORMATS[self.format]
        self.full = self.format.startswith("yuvj") or info.get("color_range") == "pc"
        large = self.height > 576 or self.width > 1024
        default = "bt709" if large and info["codec_name"] != "mjpeg" else "smpte170m"
        matrix = {"bt709": (0.2126, 0.0722), "bt2020nc": (0.2627, 0.0593)}
        self.matrix = matrix.get(info.get("color_space", default), (0.299, 0.114))

    def frames(self):
        depth = np.uint8 if self.bits == 8 else np.dtype("<u2")
        shapes = [(self.height, self.width)]
        if self.shifts:
            across, down = self.shifts
            shapes += 2 * [(-(-self.height >> down), -(-self.width >> across))]
        size = sum(h * w for h, w in shapes) * np.dtype(depth).itemsize
        command = ["ffmpeg", "-v", "error", "-nostdin", "-noautorotate", "-i", self.path,
                   "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=size) as child:
            while len(data := child.stdout.read(size)) == size:
                samples, planes = np.frombuffer(data, depth), []
                for h, w in shapes:
                    planes.append(samples[:h * w].reshape(h, w))
                    samples = samples[h * w:]
                yield planes


def cells(plane, bits):
    """Means of 2x2 samples, the last ones twice at an odd edge, in fourths of an
    8-bit level."""
    plane = np.pad(plane, [(0, plane.shape[0] % 2), (0, plane.shape[1] % 2)], mode="edge")
    high, wide = plane.shape[0] // 2, plane.shape[1] // 2
    total = plane.reshape(high, 2, wide, 2).astype(np.int64).sum(axis=(1, 3))
    return total >> (bits - 8)


def chroma_cells(plane, shifts, bits):
    across, down = shifts
    plane = np.repeat(np.repeat(plane, 1 << down, axis=0), 1 << across, axis=1)
    return cells(plane, bits)


def bounds(size, most):
    parts = min(most, size)
    parts = parts // FIELDS * FIELDS if parts > FIELDS else parts
    return [part * size // parts for part in range(parts + 1)]


class Reference:
    def __init__(self, stream):
        self.stream, self.before = stream, None
        unit = 2 ** (stream.bits - 8)
        top = 2 ** stream.bits - 1
        self.black, self.white = (0, top) if stream.full else (16 * unit, 235 * unit)
        # The same in cells, which are fourths of an 8-bit level.
        self.low, self.high = 4 * self.black / unit, 4 * self.white / unit
        self.chroma = 4 * (top / unit if stream.full else 224)

    def measure(self, planes):
        luma = planes[0]
        grid = cells(luma, self.stream.bits)
        value = (grid - self.low) / (self.high - self.low)
        light = np.clip((luma.astype(np.float64).mean() - self.black) / (self.white - self.black), 0, 1)
        moved = self.motion(value)
        return {
            "brightness": light,
            "darkness": 1 - light,
            "sharpness": self.sharpness(grid),
            "contrast": min(1.0, 2 * value.std()),
            "colorfulness": self.colorfulness(planes[1:]),
            "entropy": self.entropy(value),
            "motion": moved if moved is not None else 0.0,
            "stillness": 1 - moved if moved is not None else 0.0,
            "exposure": self.exposure(grid),
        }

    def sharpness(self, grid):
        grid = grid.astype(np.float64)
        filtered = lambda kernel: cv2.filter2D(grid, cv2.CV_64F, np.array(kernel, float))[1:-1, 1:-1]
        if min(grid.shape) < 3:
            return 0.0
        laplacian = filtered([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]) ** 2
        gradient = (filtered([[0, 0, 0], [-1, 0, 1], [0, 0, 0]]) ** 2
                    + filtered([[0, -1, 0], [0, 0, 0], [0, 1, 0]]) ** 2)
        edge = gradient > np.round(0.07 * (self.high - self.low)) ** 2
        if not edge.any():
            return 0.0
        ratio = laplacian[edge].sum() / gradient[edge].sum()
        return ratio / (ratio + 1 / 3)

    def exposure(self, grid):
        at = lambda luma: np.round(self.low + luma * (self.high - self.low))
        dark = np.interp(grid, [at(0.01), at(0.05)], [1, 0])
        bright = np.interp(grid, [at(0.95), at(0.99)], [0, 1])
        return max(0.0, 1 - dark.mean() - bright.mean())

    def entropy(self, value):
        """In 64 bins, smoothed by the cubic B-spline."""
        bump = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False)
        levels, counts = np.unique(np.clip(value, 0, 1), return_counts=True)
        bins = np.arange(-1, 65)
        weights = np.nan_to_num(bump(levels[:, None] * 63 - bins[None, :]))
        shares = counts @ weights / counts.sum()
        flat = shannon([1 / 6, 4 / 6, 1 / 6], base=2)
        return float(np.clip((shannon(shares, base=2) - flat) / (6 - flat), 0, 1))

    def colorfulness(self, colours):
        if not colours:
            return 0.0
        u, v = (255 * (chroma_cells(c, self.stream.shifts, self.stream.bits) - 512) / self.chroma
                for c in colours)
        high, wide = -(-self.stream.height // 2), -(-self.stream.width // 2)
        u, v = u[:high, :wide], v[:high, :wide]
        # Red, green and blue less luma, as ITU-T H.273 has them.
        kr, kb = self.stream.matrix
        red, blue = 2 * (1 - kr) * v, 2 * (1 - kb) * u
        green = -(kr * red + kb * blue) / (1 - kr - kb)
        rg, yb = red - green, (red + green) / 2 - blue
        measure = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
        return measure / (measure + 45)

    def motion(self, value):
        across, down = bounds(value.shape[1], BLOCKS[0]), bounds(value.shape[0], BLOCKS[1])
        total = cv2.integral(value)
        sums = np.diff(np.diff(total[np.ix_(down, across)], axis=0), axis=1)
        sizes = np.outer(np.diff(down), np.diff(across))
        now, before, self.before = sums / sizes, self.before, sums / sizes
        if before is None:
            return None
        share = sizes / sizes.sum()
        old, new = before - (before * share).sum(), now - (now * share).sum()
        own = (share * old * old).sum()
        gain = np.clip((share * old * new).sum() / own, 0.5, 2) if own > 1e-6 else 1.0
        change = (new - gain * old) ** 2
        return float((share * change / (change + 0.05 ** 2)).sum())


def main():
    stream = Stream(sys.argv[1])
    if "--laplacian" in sys.argv[2:]:
        variances = [cv2.Laplacian(planes[0], cv2.CV_64F).var() for planes in stream.frames()]
        print(json.dumps({"variance": float(np.mean(variances))}))
        return
    reference = Reference(stream)
    rows = [reference.measure(planes) for planes in stream.frames()]
    scores = {name: [float(row[name]) for row in rows] for name in NAMES}
    print(json.dumps({"frames": len(rows), "scores": scores}))


if __name__ == "__main__":
    main()
