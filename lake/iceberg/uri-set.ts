import { hash } from 'node:crypto'
import type { Uri } from '../lake.ts'

const SLOTS_MIN = 1_024
/** Beyond it, looking something up takes more than a few steps. */
const LOAD_MAX = 0.6

const EXPECTED = 1
const SEEN = 2

/**
 * URIs at 9 bytes a slot, 15 to 30 each: as text they would take a hundred and more. They are told apart by 64 bits of SHA-256; should
 * two of them ever meet, an orphan is kept, and never is a live file taken for one.
 */
export class UriSet {
  #hashes = new BigUint64Array(SLOTS_MIN)
  #marks = new Uint8Array(SLOTS_MIN)
  #size = 0
  #unseen = 0

  get size(): number {
    return this.#size
  }

  /** How many were expected to be met in storage and were not. */
  get unseen(): number {
    return this.#unseen
  }

  /** False when it was in already; then it is not expected anew either. */
  add(uri: Uri, expected = false): boolean {
    if (this.#size >= this.#hashes.length * LOAD_MAX) this.#grow()
    const value = hashOf(uri)
    const slot = this.#slotOf(value)
    if (this.#hashes[slot] === value) return false
    this.#hashes[slot] = value
    this.#marks[slot] = expected ? EXPECTED : 0
    this.#size++
    if (expected) this.#unseen++
    return true
  }

  /** Notes that it was met in storage; false when it is not in the set. */
  see(uri: Uri): boolean {
    const value = hashOf(uri)
    const slot = this.#slotOf(value)
    if (this.#hashes[slot] !== value) return false
    if (this.#marks[slot] === EXPECTED) this.#unseen--
    this.#marks[slot] = (this.#marks[slot] as number) | SEEN
    return true
  }

  has(uri: Uri): boolean {
    return this.#hashes[this.#slotOf(hashOf(uri))] !== EMPTY
  }

  isUnseen(uri: Uri): boolean {
    return this.#marks[this.#slotOf(hashOf(uri))] === EXPECTED
  }

  isSeen(uri: Uri): boolean {
    return ((this.#marks[this.#slotOf(hashOf(uri))] as number) & SEEN) === SEEN
  }

  #grow(): void {
    const [hashes, marks] = [this.#hashes, this.#marks]
    this.#hashes = new BigUint64Array(hashes.length * 2)
    this.#marks = new Uint8Array(hashes.length * 2)
    for (const [index, value] of hashes.entries()) {
      if (value === EMPTY) continue
      const slot = this.#slotOf(value)
      this.#hashes[slot] = value
      this.#marks[slot] = marks[index] as number
    }
  }

  /** Where the value is, or the free slot where it would be. */
  #slotOf(value: bigint): number {
    const mask = this.#hashes.length - 1
    let slot = Number(value & 0xffff_ffffn) & mask
    while (this.#hashes[slot] !== EMPTY && this.#hashes[slot] !== value) slot = (slot + 1) & mask
    return slot
  }
}

const EMPTY = 0n

function hashOf(uri: Uri): bigint {
  const value = hash('sha256', uri, 'buffer').readBigUInt64LE(0)
  return value === EMPTY ? 1n : value
}

/**
 * One spelling for what is one place. Writers disagree in the scheme (`s3a://`, `file:/x` and `/x` from Hadoop) and in repeated slashes; S3 keys are otherwise
 * compared as they are.
 */
export function sameSpelling(uri: Uri): Uri {
  const found = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/]*))?(.*)$/is.exec(uri)
  const [, scheme = 'file', authority = '', path = ''] = found ?? []
  const lower = scheme.toLowerCase()
  return `${/^s3[an]$/.test(lower) ? 's3' : lower}://${authority}${path.replaceAll(/\/{2,}/g, '/')}`
}

/** As it is, and percent-decoded when that differs: some writers encode paths that others take literally. */
export function spellings(uri: Uri): readonly Uri[] {
  const plain = sameSpelling(uri)
  if (!plain.includes('%')) return [plain]
  try {
    const decoded = decodeURIComponent(plain)
    return decoded === plain ? [plain] : [plain, decoded]
  } catch {
    // A lone percent sign encodes nothing.
    return [plain]
  }
}
