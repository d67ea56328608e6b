// Contract: a copy is made by S3, of exactly the version that was asked for, with the metadata and tags given; an answer of 200
// that carries an error is an error.
import { afterEach, expect, test } from 'vitest'
import { kindOf } from '../../contracts/storage.contract.ts'
import { type Reply, type ScriptedServer, s3Failure, scriptedServer, scriptedStorage, xml } from './scripted-server.ts'

let server: ScriptedServer
afterEach(() => server.close())

const FROM = 's3://landing/a b/100%+ü.csv'
const TO = 's3://raw/to'
const versioned: Reply = { headers: { 'content-length': '0', etag: '"e"', 'x-amz-version-id': 'v+1/=' } }
const unversioned: Reply = { headers: { 'content-length': '0', etag: '"e"' } }
const copied = xml('<CopyObjectResult><ETag>"c"</ETag></CopyObjectResult>')

test('names the version and sends condition, metadata, tags and directives', async () => {
  server = await scriptedServer(request => (request.method === 'HEAD' ? versioned : copied))
  await scriptedStorage(server, { owner: '123456789012' }).copy(FROM, TO, {
    ifNoneMatch: true,
    metadata: { 'source-key': 'ü 1' },
    tags: { zone: 'raw', 'data-class': 'a b' },
  })
  expect(server.requests[1]?.headers).toMatchObject({
    'x-amz-copy-source': 'landing/a%20b/100%25%2B%C3%BC.csv?versionId=v%2B1%2F%3D',
    'if-none-match': '*',
    'x-amz-metadata-directive': 'REPLACE',
    'x-amz-tagging-directive': 'REPLACE',
    'x-amz-tagging': 'zone=raw&data-class=a%20b',
    'x-amz-meta-source-key': '%C3%BC 1',
    'x-amz-expected-bucket-owner': '123456789012',
    'x-amz-source-expected-bucket-owner': '123456789012',
  })
})

test('without versions the source is pinned by its ETag', async () => {
  server = await scriptedServer(request => (request.method === 'HEAD' ? unversioned : copied))
  await scriptedStorage(server).copy(FROM, TO)
  expect(server.requests[1]?.headers['x-amz-copy-source-if-match']).toBe('"e"')
})

test('a source that was replaced meanwhile is gone, not a target that exists', async () => {
  server = await scriptedServer((request, index) => {
    if (request.method === 'PUT') return s3Failure(412, 'PreconditionFailed')
    return index === 0 ? unversioned : { status: 412 }
  })
  expect(await kindOf(scriptedStorage(server).copy(FROM, TO, { ifNoneMatch: true }))).toBe('not-found')
})

test('200 with an error in its body is tried again', async () => {
  const failing = xml('<Error><Code>InternalError</Code><Message>said so</Message></Error>')
  server = await scriptedServer((request, index) => {
    if (request.method === 'HEAD') return versioned
    return index === 1 ? failing : copied
  })
  expect(await scriptedStorage(server).copy(FROM, TO)).toMatchObject({ uri: TO })
  expect(server.requests.map(request => request.method)).toEqual(['HEAD', 'PUT', 'PUT'])
})

test('200 with an error in its body, again and again, is unavailable', async () => {
  const failing = xml('<Error><Code>InternalError</Code><Message>said so</Message></Error>')
  server = await scriptedServer(request => (request.method === 'HEAD' ? versioned : failing))
  expect(await kindOf(scriptedStorage(server).copy(FROM, TO))).toBe('unavailable')
})

test('a large source is copied in parts of the same version', async () => {
  server = await scriptedServer(request => {
    if (request.method === 'HEAD') return { headers: { ...versioned.headers, 'content-length': '25' } }
    if (request.url.searchParams.has('uploads'))
      return xml('<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>')
    if (request.method === 'PUT') return xml('<CopyPartResult><ETag>"p"</ETag></CopyPartResult>')
    return xml('<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>')
  })
  expect(await scriptedStorage(server, { copyBytesMax: 10 }).copy(FROM, TO)).toMatchObject({ bytes: 25 })
  const parts = server.requests.filter(request => request.method === 'PUT')
  expect(parts.map(request => request.headers['x-amz-copy-source-range']).sort()).toEqual([
    'bytes=0-9',
    'bytes=10-19',
    'bytes=20-24',
  ])
  for (const part of parts) expect(part.headers['x-amz-copy-source']).toContain('versionId=v%2B1')
})
