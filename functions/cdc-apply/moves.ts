/**
 * Keys that moves join, directly or over other keys: answers for each key one that stands for all that it is joined with, itself when there
 * are none.
 */
export function joinKeys<K>(moves: Iterable<readonly [from: K, to: K]>): (key: K) => K {
  const parent = new Map<K, K>()
  const rootOf = (key: K): K => {
    let root = key
    for (let up = parent.get(root); up !== undefined; up = parent.get(root)) root = up
    if (root !== key) parent.set(key, root)
    return root
  }
  for (const [from, to] of moves) {
    const [left, right] = [rootOf(from), rootOf(to)]
    if (left !== right) parent.set(left, right)
  }
  return rootOf
}
