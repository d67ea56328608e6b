import { assert } from './errors.ts'

/** Crockford's base 32: no I, L, O or U, and in ASCII order, so that text order is number order (https://github.com/ulid/spec). */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TIME_LETTERS = 10
const ENTROPY_LETTERS = 16
export const ULID_ENTROPY_BYTES = 10

/** 26 letters: 48 bits of milliseconds since the epoch, then the 80 bits given. They sort by time; equal inputs give equal ids. */
export function ulid(ms: number, entropy: Uint8Array): string {
  assert(Number.isInteger(ms) && ms >= 0 && ms < 2 ** 48, `a ULID holds 48 bits of milliseconds, not ${ms}`)
  assert(entropy.length === ULID_ENTROPY_BYTES, `a ULID holds 80 bits of entropy, not ${entropy.length * 8}`)
  const low = entropy.reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n)
  return letters(BigInt(ms), TIME_LETTERS) + letters(low, ENTROPY_LETTERS)
}

/** The milliseconds since the epoch that a ULID was made of. */
export function ulidMs(id: string): number {
  assert(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id), `not a ULID: ${id.slice(0, 40)}`)
  return [...id.slice(0, TIME_LETTERS)].reduce((ms, letter) => ms * 32 + ALPHABET.indexOf(letter), 0)
}

function letters(value: bigint, count: number): string {
  let text = ''
  for (let shift = 5n * BigInt(count - 1); shift >= 0n; shift -= 5n) text += ALPHABET[Number((value >> shift) & 31n)]
  return text
}
