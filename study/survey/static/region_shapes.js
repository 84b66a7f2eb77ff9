// Geometry of marked regions, the same as the server's: points are [x, y], fractions of the picture's width and height.

const GRID = 200; // cells to a side on which what overlaps is counted

// Whether the way a–b meets the way c–d, ends included.
export function meet(a, b, c, d) {
  const turns = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
  if (turns[0] * turns[1] < 0 && turns[2] * turns[3] < 0) return true;
  const ends = [[a, b, c], [a, b, d], [c, d, a], [c, d, b]];
  return ends.some((side, index) => turns[index] === 0 && within(...side));
}

function turn(a, b, c) {
  const product = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  return Math.abs(product) < 1e-12 ? 0 : Math.sign(product);
}

function within(a, b, c) {
  return [0, 1].every((k) => Math.min(a[k], b[k]) <= c[k] && c[k] <= Math.max(a[k], b[k]));
}

// Whether an outline may go on to a point: the new side meets none but the one that it starts from.
export function mayGoOn(corners, point) {
  const from = corners[corners.length - 1];
  for (let k = 0; k + 2 < corners.length; k += 1) if (meet(corners[k], corners[k + 1], from, point)) return false;
  return corners.length < 2 || !folds(from, corners[corners.length - 2], point);
}

// Whether an outline may be closed: the side back to its first corner meets only its two neighbours.
export function mayClose(corners) {
  const last = corners[corners.length - 1];
  for (let k = 1; k + 2 < corners.length; k += 1) if (meet(corners[k], corners[k + 1], last, corners[0])) return false;
  if (folds(corners[0], corners[1], last) || folds(last, corners[corners.length - 2], corners[0])) return false;
  return enclosed(corners) > 1e-6;
}

function folds(shared, one, other) {
  const ahead = (one[0] - shared[0]) * (other[0] - shared[0]) + (one[1] - shared[1]) * (other[1] - shared[1]) > 0;
  return turn(shared, one, other) === 0 && ahead;
}

export function enclosed(corners) {
  let sum = 0;
  corners.forEach(([x, y], k) => {
    const [u, v] = corners[(k + 1) % corners.length];
    sum += x * v - u * y;
  });
  return Math.abs(sum) / 2;
}

// What the regions cover together, as a fraction of a square picture.
export function area(tool, regions, width) {
  if (regions.length === 1 && tool === "box") {
    const [[x, y], [u, v]] = regions[0];
    return Math.abs((u - x) * (v - y));
  }
  if (regions.length === 1 && tool === "polygon") return enclosed(regions[0]);
  const cells = new Uint8Array(GRID * GRID);
  for (const points of regions) {
    for (let row = 0; row < GRID; row += 1) {
      for (let column = 0; column < GRID; column += 1) {
        const cell = row * GRID + column;
        if (!cells[cell] && holds(tool, points, [(column + 0.5) / GRID, (row + 0.5) / GRID], width / 2)) cells[cell] = 1;
      }
    }
  }
  return cells.reduce((sum, cell) => sum + cell, 0) / cells.length;
}

function holds(tool, points, [x, y], radius) {
  if (tool === "box") return within(points[0], points[1], [x, y]);
  if (tool === "brush") {
    return points.some((point, k) => squaredDistance([x, y], point, points[Math.max(k - 1, 0)]) <= radius * radius);
  }
  let isInside = false;
  points.forEach(([x1, y1], k) => {
    const [x2, y2] = points[(k + 1) % points.length];
    if (y < y1 !== y < y2 && x < x1 + ((y - y1) * (x2 - x1)) / (y2 - y1)) isInside = !isInside;
  });
  return isInside;
}

function squaredDistance([x, y], [x1, y1], [x2, y2]) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  const along = length ? Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length)) : 0;
  return (x - x1 - along * dx) ** 2 + (y - y1 - along * dy) ** 2;
}

// The same way with as few points as stay within a tolerance of it (Ramer, Douglas and Peucker).
export function simplified(points, tolerance) {
  if (points.length < 3) return points;
  const [first, last] = [points[0], points[points.length - 1]];
  let [farthest, most] = [0, tolerance * tolerance];
  for (let k = 1; k < points.length - 1; k += 1) {
    const distance = squaredDistance(points[k], first, last);
    if (distance > most) [farthest, most] = [k, distance];
  }
  if (!farthest) return [first, last];
  return [...simplified(points.slice(0, farthest + 1), tolerance).slice(0, -1), ...simplified(points.slice(farthest), tolerance)];
}
