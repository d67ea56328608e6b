// Contract: a read gives the whole bytes of the version that was asked for, or an error that says which kind it is: a body that
// breaks off is asked for again, 403 is never taken for missing, and nothing is retried without end.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { kindOf } from '../../contracts/storage.contract.ts'
import {
  HANG_UP,
  type Reply,
  type Request,
  type ScriptedServer,
  s3Failure,
  scriptedServer,
  scriptedStorage,
  xml,
} from './scripted-server.ts'

const URI = 's3://bucket/key'
const BYTES = Buffer.from('0123456789')
const whole: Reply = { body: BYTES, headers: { etag: '"e"' } }

let folder: string
let server: ScriptedServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-s3-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(() => server.close())

test('a body that breaks off is asked for again', async () => {
  server = await scriptedServer((_request, index) => (index < 2 ? { ...whole, cutAfter: 4 } : whole))
  expect(Buffer.from(await scriptedStorage(server).get(URI))).toEqual(BYTES)
  expect(server.requests).toHaveLength(3)
})

test('a body that always breaks off is unavailable after five attempts', async () => {
  server = await scriptedServer(() => ({ ...whole, cutAfter: 4 }))
  expect(await kindOf(scriptedStorage(server).get(URI))).toBe('unavailable')
  expect(server.requests).toHaveLength(5)
})

test('a body that does not match the checksum S3 sends along is not handed out', async () => {
  server = await scriptedServer(() => ({ ...whole, headers: { etag: '"e"', 'x-amz-checksum-crc32': 'AAAAAA==' } }))
  expect(await kindOf(scriptedStorage(server).get(URI))).toBe('unavailable')
  expect(server.requests[0]?.headers['x-amz-checksum-mode']).toBe('ENABLED')
})

test('each refusal has its kind', async () => {
  const table: readonly (readonly [number, string, string])[] = [
    [404, 'NoSuchKey', 'not-found'],
    [404, 'NoSuchVersion', 'not-found'],
    [405, 'MethodNotAllowed', 'not-found'],
    [404, 'NoSuchBucket', 'usage'],
    [403, 'AccessDenied', 'access-denied'],
    [403, 'InvalidObjectState', 'unsupported'],
    [400, 'KMS.DisabledException', 'access-denied'],
    [400, 'ExpiredToken', 'access-denied'],
    [503, 'SlowDown', 'throttled'],
    [429, 'TooManyRequests', 'throttled'],
    [400, 'KMS.ThrottlingException', 'throttled'],
    [500, 'InternalError', 'unavailable'],
    [503, 'ServiceUnavailable', 'unavailable'],
    [400, 'KeyTooLongError', 'usage'],
  ]
  for (const [status, code, kind] of table) {
    server = await scriptedServer(() => s3Failure(status, code))
    expect([code, await kindOf(scriptedStorage(server).get(URI))]).toEqual([code, kind])
    await server.close()
  }
  server = await scriptedServer(() => HANG_UP)
  expect(await kindOf(scriptedStorage(server).get(URI))).toBe('unavailable')
})

test('head: 404 is undefined, 403 is denied and not missing', async () => {
  server = await scriptedServer(request => ({ status: request.url.pathname.endsWith('denied') ? 403 : 404 }))
  expect(await scriptedStorage(server).head('s3://bucket/none')).toBeUndefined()
  expect(await kindOf(scriptedStorage(server).head('s3://bucket/denied'))).toBe('access-denied')
})

test('an impossible version id is a version that does not exist', async () => {
  server = await scriptedServer(() => ({ status: 400 }))
  expect(await scriptedStorage(server).head(URI, { version: 'nonsense' })).toBeUndefined()
  expect(server.requests[0]?.url.searchParams.get('versionId')).toBe('nonsense')
})

test('in a bucket without versions the ETag pins the read, and other bytes are not found', async () => {
  server = await scriptedServer(request =>
    request.method === 'HEAD' ? { headers: { etag: '"e1"' } } : s3Failure(412, 'PreconditionFailed'),
  )
  const { version = '' } = (await scriptedStorage(server).head(URI)) ?? {}
  expect(await kindOf(scriptedStorage(server).get(URI, { version }))).toBe('not-found')
  expect(server.requests[1]?.headers['if-match']).toBe('"e1"')
})

const rangeReply = (request: Request): Reply => {
  const [, start = 0, last = 0] = /bytes=(\d+)-(\d+)/.exec(String(request.headers.range))?.map(Number) ?? []
  return {
    status: 206,
    body: BYTES.subarray(start, last + 1),
    headers: { 'content-range': `bytes ${start}-${last}/10`, etag: '"e"' },
  }
}
const head: Reply = { headers: { 'content-length': '10', etag: '"e"', 'x-amz-version-id': 'v7' } }

test('staging reads ranges of one version and puts them where they belong', async () => {
  const broken = new Set(['bytes=3-5'])
  server = await scriptedServer(request => {
    if (request.method === 'HEAD') return head
    // The first answer to this range breaks off.
    return broken.delete(String(request.headers.range)) ? { ...rangeReply(request), cutAfter: 1 } : rangeReply(request)
  })
  const staged = await scriptedStorage(server, { rangeBytes: 3 }).stage(URI, join(folder, 'ranges'))
  expect(await readFile(staged.path)).toEqual(BYTES)
  expect(staged).toMatchObject({
    bytes: 10,
    sha256: '84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882',
  })
  const gets = server.requests.filter(request => request.method === 'GET')
  expect(gets.map(request => request.headers.range).sort()).toEqual([
    'bytes=0-2',
    'bytes=3-5',
    'bytes=3-5',
    'bytes=6-8',
    'bytes=9-9',
  ])
  for (const request of gets) expect(request.url.searchParams.get('versionId')).toBe('v7')
})

test('a wrong range, a missing piece or a refusal leaves no file behind', async () => {
  const replies: readonly [string, (request: Request) => Reply | typeof HANG_UP][] = [
    ['unavailable', request => ({ ...rangeReply(request), headers: { 'content-range': 'bytes 0-2/11' } })],
    ['unavailable', () => whole],
    ['unavailable', request => ({ ...rangeReply(request), cutAfter: 1 })],
    ['access-denied', () => s3Failure(403, 'AccessDenied')],
    ['not-found', () => s3Failure(404, 'NoSuchVersion')],
  ]
  for (const [kind, reply] of replies) {
    server = await scriptedServer(request => (request.method === 'HEAD' ? head : reply(request)))
    expect(await kindOf(scriptedStorage(server, { rangeBytes: 3 }).stage(URI, join(folder, 'none')))).toBe(kind)
    expect(await readdir(join(folder, 'none'))).toEqual([])
    await server.close()
  }
})

test('every request names the account that must own the bucket', async () => {
  server = await scriptedServer(request => {
    if (request.url.searchParams.has('list-type')) return xml('<ListBucketResult></ListBucketResult>')
    return request.method === 'GET'
      ? rangeReply(request)
      : { ...head, headers: { ...head.headers, 'content-length': '0' } }
  })
  const storage = scriptedStorage(server, { owner: '123456789012' })
  await storage.head(URI)
  await storage.get(URI)
  await storage.put(URI, Buffer.from(''))
  await storage.delete(URI)
  for await (const _found of storage.list('s3://bucket/')) expect(_found).toBeUndefined()
  expect(server.requests).toHaveLength(5)
  for (const request of server.requests) expect(request.headers['x-amz-expected-bucket-owner']).toBe('123456789012')
})

test('a listing goes on where its page ended, and decodes its keys', async () => {
  const page = (keys: readonly string[], next?: string): Reply =>
    xml(`<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${next !== undefined}</IsTruncated>
      ${next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`}
      ${keys.map(key => `<Contents><Key>${key}</Key><Size>3</Size><ETag>"e"</ETag></Contents>`).join('')}</ListBucketResult>`)
  server = await scriptedServer(request =>
    request.url.searchParams.get('continuation-token') === 'two'
      ? page(['p/plus%2Bsign'])
      : page(['p/a+b', 'p/line%0Abreak'], 'two'),
  )
  const found: string[] = []
  for await (const { uri } of scriptedStorage(server).list('s3://bucket/p/', { startAfter: 's3://bucket/p/a' }))
    found.push(uri)
  expect(found).toEqual(['s3://bucket/p/a b', 's3://bucket/p/line\nbreak', 's3://bucket/p/plus+sign'])
  expect(server.requests.map(request => request.url.searchParams.get('start-after'))).toEqual(['p/a', 'p/a'])
})
