/**
 * What every Storage adapter promises, whatever it stands on. Adapters differ in two permitted ways, which the factory
 * declares: whether an old version stays readable after an overwrite, and whether `a` and `a/b` can both be objects.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLakeError, type LakeError } from '#lake/errors.ts'
import type { Storage, Uri } from '#lake/lake.ts'

export interface StorageUnderTest {
  readonly storage: Storage
  /** A base URI that is empty at the start. */
  readonly base: Uri
  readonly objectBelowObject: boolean
  /** False for an emulator that ignores If-None-Match on a copy; that deviation is then asserted, so that its repair is noticed. */
  readonly createOnlyCopy?: boolean
  dispose(): Promise<void>
}

const text = (value: string): Uint8Array => Buffer.from(value)
const show = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export function storageContract(name: string, make: () => Promise<StorageUnderTest>): void {
  describe(`storage contract: ${name}`, () => {
    let under: StorageUnderTest
    let folder: string
    let storage: Storage
    const uri = (key: string): Uri => `${under.base}/${key}`
    const keysBelow = (prefix: Uri, startAfter?: Uri): Promise<readonly string[]> => listed(under, prefix, startAfter)

    beforeAll(async () => {
      under = await make()
      storage = under.storage
      folder = await mkdtemp(join(tmpdir(), 'sluice-contract-'))
    })
    afterAll(async () => {
      await rm(folder, { recursive: true, force: true })
      await under.dispose()
    })

    test('what was put is read back whole, in ranges that are clipped to the object, and by its version', async () => {
      const written = await storage.put(uri('read/a.txt'), text('hello lake'))
      expect(written).toMatchObject({ uri: uri('read/a.txt'), bytes: 10 })
      expect(show(await storage.get(uri('read/a.txt')))).toBe('hello lake')
      expect(show(await storage.get(uri('read/a.txt'), { range: { start: 6, end: 10 } }))).toBe('lake')
      expect(show(await storage.get(uri('read/a.txt'), { range: { start: 6, end: 600 } }))).toBe('lake')
      expect(show(await storage.get(uri('read/a.txt'), { range: { start: 0, end: 1 } }))).toBe('h')
      expect(show(await storage.get(uri('read/a.txt'), { range: { start: 3, end: 3 } }))).toBe('')
      expect(show(await storage.get(uri('read/a.txt'), { range: { start: 10, end: 20 } }))).toBe('')
      expect(show(await storage.get(uri('read/a.txt'), { version: written.version }))).toBe('hello lake')
      expect(await storage.head(uri('read/a.txt'), { version: written.version })).toMatchObject({ bytes: 10 })
    })

    test('an empty object is an object', async () => {
      await storage.put(uri('empty/x'), new Uint8Array(0))
      expect(await storage.head(uri('empty/x'))).toMatchObject({ bytes: 0 })
      expect((await storage.get(uri('empty/x'))).length).toBe(0)
      expect((await storage.stage(uri('empty/x'), folder)).bytes).toBe(0)
    })

    test('what does not exist is undefined to head and not-found to every read', async () => {
      expect(await storage.head(uri('none/x'))).toBeUndefined()
      expect(await kindOf(storage.get(uri('none/x')))).toBe('not-found')
      expect(await kindOf(storage.get(uri('none/x'), { range: { start: 0, end: 4 } }))).toBe('not-found')
      expect(await kindOf(storage.stage(uri('none/x'), folder))).toBe('not-found')
      expect(await kindOf(storage.copy(uri('none/x'), uri('none/y')))).toBe('not-found')
      expect(await storage.head(uri('none/y'))).toBeUndefined()
    })

    test('create-only loses against an object that is there, and leaves it as it was', async () => {
      await storage.put(uri('once/x'), text('first'), { ifNoneMatch: true, metadata: { who: 'first' } })
      expect(await kindOf(storage.put(uri('once/x'), text('second'), { ifNoneMatch: true }))).toBe('already-exists')
      expect(await kindOf(storage.put(uri('once/x'), text('first'), { ifNoneMatch: true }))).toBe('already-exists')
      expect(show(await storage.get(uri('once/x')))).toBe('first')
      expect((await storage.head(uri('once/x')))?.metadata).toEqual({ who: 'first' })
    })

    test('of many racing creators exactly one wins, and its bytes are the object', async () => {
      const racers = Array.from({ length: 16 }, (_, index) => `racer ${index}`)
      const outcomes = await Promise.all(
        racers.map(async racer => kindOf(storage.put(uri('race/x'), text(racer), { ifNoneMatch: true }))),
      )
      const winners = racers.filter((_, index) => outcomes[index] === undefined)
      expect(winners).toHaveLength(1)
      expect(outcomes.filter(kind => kind === 'already-exists')).toHaveLength(15)
      expect(show(await storage.get(uri('race/x')))).toBe(winners[0])
    })

    test('a create-only copy and a create-only upload lose as well', async () => {
      await storage.put(uri('lose/x'), text('there'))
      await storage.put(uri('lose/from'), text('new'))
      const path = await localFile('lose', text('new'))
      const options = { ifNoneMatch: true, sha256: sha256(text('new')) }
      expect(await kindOf(storage.upload(path, uri('lose/x'), options))).toBe('already-exists')
      expect(show(await storage.get(uri('lose/x')))).toBe('there')
      const { createOnlyCopy = true } = under
      const outcome = await kindOf(storage.copy(uri('lose/from'), uri('lose/x'), { ifNoneMatch: true }))
      expect(outcome).toBe(createOnlyCopy ? 'already-exists' : undefined)
      expect(show(await storage.get(uri('lose/x')))).toBe(createOnlyCopy ? 'there' : 'new')
    })

    test('an overwrite has another version, and the old version never answers with the new bytes', async () => {
      const first = await storage.put(uri('over/x'), text('one'))
      const second = await storage.put(uri('over/x'), text('two'))
      expect(second.version).not.toBe(first.version)
      expect(show(await storage.get(uri('over/x')))).toBe('two')
      const old = await storage.get(uri('over/x'), { version: first.version }).then(show, error => error)
      expect(old === 'one' || isLakeError(old, 'not-found')).toBe(true)
      const staged = await storage.stage(uri('over/x'), folder, { version: first.version }).then(
        async file => show(await readFile(file.path)),
        error => error,
      )
      expect(staged === 'one' || isLakeError(staged, 'not-found')).toBe(true)
      const copied = await kindOf(storage.copy(uri('over/x'), uri('over/copy'), { version: first.version }))
      if (copied === undefined) expect(show(await storage.get(uri('over/copy')))).toBe('one')
      else expect(copied).toBe('not-found')
    })

    test('an unknown version is not found', async () => {
      await storage.put(uri('version/x'), text('x'))
      expect(await storage.head(uri('version/x'), { version: '1-2-3' })).toBeUndefined()
      expect(await kindOf(storage.get(uri('version/x'), { version: '1-2-3' }))).toBe('not-found')
      expect(await kindOf(storage.copy(uri('version/x'), uri('version/y'), { version: '1-2-3' }))).toBe('not-found')
    })

    test('metadata is any text and belongs to the version that was written with it', async () => {
      const metadata = { 'source-key': 'zażółć/100% ☃\n.json', plain: 'a b', spaced: ' x ', escaped: '%41%zz' }
      await storage.put(uri('meta/x'), text('1'), { metadata, tags: { zone: 'raw', team: 'a=b c/d+e' } })
      expect((await storage.head(uri('meta/x')))?.metadata).toEqual(metadata)
      await storage.put(uri('meta/x'), text('2'), { metadata: { other: 'y' } })
      expect((await storage.head(uri('meta/x')))?.metadata).toEqual({ other: 'y' })
      await storage.put(uri('meta/x'), text('3'))
      expect((await storage.head(uri('meta/x')))?.metadata).toEqual({})
    })

    test('a copy has the bytes of the original and the metadata that was given, and outlives it', async () => {
      await storage.put(uri('copy/from'), text('bytes'), { metadata: { old: '1' } })
      const copied = await storage.copy(uri('copy/from'), uri('copy/to'), {
        metadata: { new: 'ü' },
        tags: { zone: 'raw' },
      })
      expect(copied).toMatchObject({ uri: uri('copy/to'), bytes: 5 })
      await storage.put(uri('copy/from'), text('changed'))
      await storage.delete(uri('copy/from'))
      expect(show(await storage.get(uri('copy/to'), { version: copied.version }))).toBe('bytes')
      expect((await storage.head(uri('copy/to')))?.metadata).toEqual({ new: 'ü' })
    })

    test('a staged file has the bytes and their SHA-256; another expectation fails with checksum', async () => {
      const bytes = Buffer.alloc(300_000, 'sluice')
      await storage.put(uri('stage/data.bin'), bytes)
      const staged = await storage.stage(uri('stage/data.bin'), folder, { sha256: sha256(bytes) })
      expect(staged).toMatchObject({ bytes: 300_000, sha256: sha256(bytes) })
      expect((await readFile(staged.path)).equals(bytes)).toBe(true)
      expect(await kindOf(storage.stage(uri('stage/data.bin'), folder, { sha256: sha256(text('other')) }))).toBe(
        'checksum',
      )
    })

    test('an upload stores the file with its metadata; a wrong SHA-256 stores nothing', async () => {
      const bytes = Buffer.alloc(300_000, 'upload')
      const path = await localFile('upload', bytes)
      const options = { sha256: sha256(bytes), metadata: { from: 'file' }, contentType: 'application/octet-stream' }
      expect(await storage.upload(path, uri('upload/x'), options)).toMatchObject({ bytes: 300_000 })
      expect(sha256(await storage.get(uri('upload/x')))).toBe(sha256(bytes))
      expect((await storage.head(uri('upload/x')))?.metadata).toEqual({ from: 'file' })
      await writeFile(path, 'changed since')
      expect(show((await storage.get(uri('upload/x'))).subarray(0, 6))).toBe('upload')
      expect(await kindOf(storage.upload(path, uri('upload/y'), options))).toBe('checksum')
      expect(await storage.head(uri('upload/y'))).toBeUndefined()
    })

    listContract(() => under)

    test('keys that no file system likes are keys like any other', async () => {
      const keys = [
        'odd/%2F%00%0A/x',
        'odd/%dot',
        'odd/ space +plus=eq&amp',
        'odd/..hidden',
        'odd/a%20b%25',
        `odd/${'long'.repeat(150)}`,
        'odd/quote\'"`$(x)',
        'odd/\\back',
      ]
      for (const key of keys) await storage.put(uri(key), text(key))
      for (const key of keys) expect(show(await storage.get(uri(key)))).toBe(key)
      expect([...(await keysBelow(uri('odd/')))].sort()).toEqual([...keys].sort())
    })

    test('an object may stand below another object where the store allows it, and is refused with a reason elsewhere', async () => {
      await storage.put(uri('below/a'), text('a'))
      const outcome = await kindOf(storage.put(uri('below/a/b'), text('b')))
      expect(outcome).toBe(under.objectBelowObject ? undefined : 'unsupported')
      expect(show(await storage.get(uri('below/a')))).toBe('a')
      await storage.put(uri('below/c/d'), text('d'))
      expect(await kindOf(storage.put(uri('below/c'), text('c')))).toBe(
        under.objectBelowObject ? undefined : 'unsupported',
      )
      expect(show(await storage.get(uri('below/c/d')))).toBe('d')
    })

    test('a deleted object is gone from head and list, deleting it again succeeds, and the key can be created again', async () => {
      const first = await storage.put(uri('gone/x'), text('1'), { metadata: { a: '1' } })
      await storage.delete(uri('gone/x'))
      await storage.delete(uri('gone/x'))
      await storage.delete(uri('gone/never-was'))
      expect(await storage.head(uri('gone/x'))).toBeUndefined()
      expect(await keysBelow(uri('gone/'))).toEqual([])
      const second = await storage.put(uri('gone/x'), text('2'), { ifNoneMatch: true })
      expect(second.version).not.toBe(first.version)
      expect((await storage.head(uri('gone/x')))?.metadata).toEqual({})
    })

    test('the bytes that are handed out and taken in are copies', async () => {
      const body = Buffer.from('before')
      await storage.put(uri('alias/x'), body)
      body.fill('!')
      const read = await storage.get(uri('alias/x'))
      read.fill(33)
      expect(show(await storage.get(uri('alias/x')))).toBe('before')
    })

    async function localFile(prefix: string, bytes: Uint8Array): Promise<string> {
      const path = join(folder, `${prefix}.local`)
      await writeFile(path, bytes)
      return path
    }
  })
}

/** What every adapter promises of lists. */
function listContract(under: () => StorageUnderTest): void {
  const uri = (key: string): Uri => `${under().base}/${key}`
  const keysBelow = (prefix: Uri, startAfter?: Uri): Promise<readonly string[]> => listed(under(), prefix, startAfter)

  test('a list is in the byte order of the keys, by prefix, from any key on', async () => {
    const keys = [
      'list/a',
      'list/a.b',
      'list/ab',
      'list/b/1',
      'list/b/2/x',
      'list/b0',
      'list/é',
      'list/\u{ff5e}',
      'list/😀',
    ]
    for (const key of [...keys].reverse()) await under().storage.put(uri(key), text(key))
    expect(await keysBelow(uri('list/'))).toEqual(keys)
    expect(await keysBelow(uri('list/b'))).toEqual(['list/b/1', 'list/b/2/x', 'list/b0'])
    expect(await keysBelow(uri('list/b/'))).toEqual(['list/b/1', 'list/b/2/x'])
    expect(await keysBelow(uri('list/nothing'))).toEqual([])
    expect(await keysBelow(uri('list/'), uri('list/b/1'))).toEqual(keys.slice(4))
    expect(await keysBelow(uri('list/'), uri('list/b/10'))).toEqual(keys.slice(4))
    expect(await keysBelow(uri('list/'), uri('list/b/'))).toEqual(keys.slice(3))
    expect(await keysBelow(uri('list/'), uri('list/😀'))).toEqual([])
  })

  test('versions: at least what a list gives, each under a version that can be read', async () => {
    const { storage } = under()
    await storage.put(uri('kept/a b+c'), text('one'))
    await storage.put(uri('kept/a b+c'), text('other'))
    await storage.put(uri('kept/d'), text('x'))
    const found = await Array.fromAsync(storage.versions(uri('kept/')))
    expect([...new Set(found.map(each => each.uri))]).toEqual([uri('kept/a b+c'), uri('kept/d')])
    for (const { uri: of, version, bytes } of found)
      expect((await storage.get(of, { version })).length, version).toBe(bytes)
    expect(found.map(each => each.bytes)).toEqual(found.length === 3 ? expect.arrayContaining([3, 5, 1]) : [5, 1])
    expect(found.flatMap(each => (each.isCurrent ? [each.bytes] : []))).toEqual([5, 1])
    await storage.delete(uri('kept/d'))
    const left = await Array.fromAsync(storage.versions(uri('kept/d')))
    expect(left.filter(each => each.isCurrent)).toEqual([])
  })

  test('a list tells the size of each object', async () => {
    await under().storage.put(uri('sizes/x'), text('four'))
    for await (const found of under().storage.list(uri('sizes/')))
      expect(found).toMatchObject({ bytes: 4, metadata: {} })
  })

  test('more objects than fit on a page are all listed', { timeout: 120_000 }, async () => {
    const keys = Array.from({ length: 1100 }, (_, index) => `pages/${String(index).padStart(5, '0')}`)
    for (let start = 0; start < keys.length; start += 50)
      await Promise.all(keys.slice(start, start + 50).map(key => under().storage.put(uri(key), text('x'))))
    expect(await keysBelow(uri('pages/'))).toEqual(keys)
  })
}

async function listed(under: StorageUnderTest, prefix: Uri, startAfter?: Uri): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const found of under.storage.list(prefix, startAfter === undefined ? {} : { startAfter }))
    keys.push(found.uri.slice(under.base.length + 1))
  return keys
}

/** The kind of the error that the promise fails with, undefined when it succeeds. */
export async function kindOf(work: Promise<unknown>): Promise<LakeError['kind'] | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (isLakeError(error)) return error.kind
    throw error
  }
}
