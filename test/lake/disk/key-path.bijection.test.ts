// Contract: keys and paths below a zone folder map one to one. Plain names stay as they are, every key is a path that a file
// system can hold inside the folder, and no two keys share one.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { diskStorage } from '#lake/disk/disk-storage.ts'
import { compareKeys, keyToPath, pathToKey } from '#lake/disk/key-path.ts'
import { kindOf } from '../../contracts/storage.contract.ts'

/** Text made of the pieces that matter: separators, dots, escapes and what looks like them, control characters, long runs. */
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '.',
        '..',
        '%',
        '%25',
        '%2',
        '25',
        '0A',
        '%0A',
        '%7F',
        '%1f',
        '%more',
        'more',
        '%dot',
        '%empty',
        '',
      ),
      fc.constantFrom(
        '\0',
        '\n',
        '\x7f',
        '\x1f',
        'é',
        '😀',
        '\u{ff5e}',
        ' ',
        '\\',
        '"',
        'x'.repeat(238),
        'é'.repeat(120),
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map(parts => parts.join(''))
  .filter(key => key.isWellFormed() && key !== '')

test('plain names map to themselves', () => {
  const plain = [
    'trips/data/day=2026-01-01/00000-0-abc.parquet',
    'trips/metadata/00001-3f.metadata.json',
    '.DS_Store',
    'a%20b%2Fc.csv',
    '100%.csv',
    '%41',
    '%more.csv',
    '%dots',
    '...',
    'über/日本語 (1).json',
    'constructor/__proto__',
    'a'.repeat(240),
  ]
  for (const key of plain) {
    expect(keyToPath(key)).toBe(key)
    expect(pathToKey(key)).toBe(key)
  }
})

test('what a file system cannot hold is escaped, readably', () => {
  const table: readonly (readonly [string, string])[] = [
    ['../../etc/passwd', '%dotdot/%dotdot/etc/passwd'],
    ['a//b/', 'a/%empty/b/%empty'],
    ['/a', '%empty/a'],
    ['./a', '%dot/a'],
    ['line\nbreak\0', 'line%0Abreak%00'],
    ['%0A', '%250A'],
    ['%250A', '%25250A'],
    ['%dot', '%25dot'],
    ['%more', '%25more'],
    ['x%more', 'x%25more'],
    ['x'.repeat(300), `${'x'.repeat(232)}%more/${'x'.repeat(68)}`],
  ]
  for (const [key, path] of table) {
    expect(keyToPath(key)).toBe(path)
    expect(pathToKey(path)).toBe(key)
  }
})

test('every key comes back from its path, and its path is safe', () => {
  fc.assert(
    fc.property(nasty, key => {
      const path = keyToPath(key)
      expect(pathToKey(path)).toBe(key)
      for (const name of path.split('/')) {
        expect(['', '.', '..']).not.toContain(name)
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(240)
        expect([...name].some(character => character < ' ' || character === '\x7f')).toBe(false)
      }
    }),
    { numRuns: 3000 },
  )
})

test('every path that somebody makes by hand has a key that leads back to it, or none', () => {
  fc.assert(
    fc.property(nasty, path => {
      const key = pathToKey(path)
      if (key !== undefined) expect(keyToPath(key)).toBe(path)
    }),
    { numRuns: 3000 },
  )
})

test('keys compare as their UTF-8 bytes do', () => {
  fc.assert(
    fc.property(nasty, nasty, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))))
    }),
  )
  expect(['\u{10000}', '\u{ff5e}', 'a'].sort(compareKeys)).toEqual(['a', '\u{ff5e}', '\u{10000}'])
})

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-keys-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('on a real disk any set of keys is written, listed in order and read back', async () => {
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(nasty, { minLength: 1, maxLength: 6 }), async keys => {
      const storage = diskStorage(root)
      const base = `file://${root}/ops/run-${++run}`
      const stored: string[] = []
      for (const key of keys) {
        // A name that is both an object and a folder is the one thing a disk refuses.
        const kind = await kindOf(storage.put(`${base}/${key}`, Buffer.from(key)))
        if (kind === undefined) stored.push(key)
        else expect(kind).toBe('unsupported')
      }
      const listed: string[] = []
      for await (const found of storage.list(`${base}/`)) listed.push(found.uri.slice(base.length + 1))
      expect(listed).toEqual(stored.sort(compareKeys))
      for (const key of stored) {
        const staged = await storage.stage(`${base}/${key}`, root)
        expect(await readFile(staged.path, 'utf8')).toBe(key)
      }
    }),
    { numRuns: 60 },
  )
})

test('a key that UTF-8 cannot hold is refused instead of changed', () => {
  expect(() => keyToPath('a\ud800b')).toThrow(/lone surrogates/)
})
