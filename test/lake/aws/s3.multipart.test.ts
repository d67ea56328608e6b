// Contract: a multipart upload ends complete and known, or aborted. After a 409 it starts again from its beginning; a completing
// call whose answer was lost is recognised by the mark of its upload.
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { kindOf } from '../../contracts/storage.contract.ts'
import {
  type Reply,
  type Request,
  type ScriptedServer,
  s3Failure,
  scriptedServer,
  scriptedStorage,
  xml,
} from './scripted-server.ts'

const BYTES = Buffer.from('0123456789')
const sha256 = createHash('sha256').update(BYTES).digest('hex')
let folder: string
let path: string
let server: ScriptedServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-s3-'))
  path = join(folder, 'file')
  await writeFile(path, BYTES)
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(() => server.close())

type Step = 'create' | 'part' | 'complete' | 'abort' | 'head'
function stepOf({ method, url }: Request): Step {
  if (method === 'HEAD') return 'head'
  if (method === 'DELETE') return 'abort'
  if (method === 'PUT') return 'part'
  return url.searchParams.has('uploads') ? 'create' : 'complete'
}

/** Everything succeeds but what the test says about a step and its count. */
async function serve(special: (step: Step, count: number, request: Request) => Reply | undefined): Promise<void> {
  const counts = new Map<Step, number>()
  server = await scriptedServer(request => {
    const step = stepOf(request)
    const count = (counts.get(step) ?? 0) + 1
    counts.set(step, count)
    const { url } = request
    const usual: Readonly<Record<Step, Reply>> = {
      create: xml(`<InitiateMultipartUploadResult><UploadId>u${count}</UploadId></InitiateMultipartUploadResult>`),
      part: { headers: { etag: `"part-${url.searchParams.get('partNumber')}"` } },
      complete: xml('<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>'),
      abort: { status: 204 },
      head: { status: 404 },
    }
    return special(step, count, request) ?? usual[step]
  })
}
const upload = (expected = sha256) =>
  scriptedStorage(server, { partBytes: 4 }).upload(path, 's3://bucket/key', { sha256: expected, ifNoneMatch: true })
const steps = (): readonly Step[] => server.requests.map(stepOf)

test('parts and completion carry checksums and the condition', async () => {
  await serve(() => undefined)
  expect(await upload()).toMatchObject({ bytes: 10 })
  expect([...steps()].sort()).toEqual(['complete', 'create', 'part', 'part', 'part'])
  const part = server.requests.find(request => request.url.searchParams.get('partNumber') === '3')
  const hash = createHash('sha256').update('89').digest('base64')
  expect(part?.body.toString()).toBe('89')
  expect(part?.headers['x-amz-checksum-sha256']).toBe(hash)
  const complete = server.requests.at(-1)
  expect(complete?.headers['if-none-match']).toBe('*')
  expect(complete?.body.toString()).toContain(`<ChecksumSHA256>${hash}</ChecksumSHA256>`)
  expect(complete?.body.toString()).toMatch(/part-1.*part-2.*part-3/s)
})

test('409: the upload is aborted and starts again from its beginning', async () => {
  await serve((step, count) =>
    step === 'complete' && count === 1 ? s3Failure(409, 'ConditionalRequestConflict') : undefined,
  )
  expect(await upload()).toMatchObject({ bytes: 10 })
  expect(steps().filter(step => step !== 'part')).toEqual(['create', 'complete', 'abort', 'head', 'create', 'complete'])
  expect(server.requests.at(-1)?.url.searchParams.get('uploadId')).toBe('u2')
})

test('412 from somebody else: aborted, and already-exists', async () => {
  await serve(step => {
    if (step === 'head') return { headers: { 'x-amz-meta-sluice-attempt': 'another' } }
    return step === 'complete' ? s3Failure(412, 'PreconditionFailed') : undefined
  })
  expect(await kindOf(upload())).toBe('already-exists')
  expect(steps()).toContain('abort')
})

test('412 or NoSuchUpload after a lost answer of our own completion is a success', async () => {
  for (const echo of [s3Failure(412, 'PreconditionFailed'), s3Failure(404, 'NoSuchUpload')]) {
    await serve((step, count) => {
      const mark = String(server.requests[0]?.headers['x-amz-meta-sluice-attempt'])
      if (step === 'head') return { headers: { 'x-amz-meta-sluice-attempt': mark, 'x-amz-version-id': 'ours' } }
      if (step === 'complete') return count === 1 ? s3Failure(500, 'InternalError') : echo
      return undefined
    })
    expect(await upload()).toMatchObject({ version: 'ours', metadata: {} })
    await server.close()
  }
})

test('200 with an error in its body is not a completion', async () => {
  await serve(step => (step === 'complete' ? xml('<Error><Code>InternalError</Code></Error>') : undefined))
  expect(await kindOf(upload())).toBe('unavailable')
  expect(steps()).toContain('abort')
})

test('a part that fails, or a file that is another, ends the upload before it is completed', async () => {
  await serve((step, _count, { url }) =>
    step === 'part' && url.searchParams.get('partNumber') === '2' ? s3Failure(403, 'AccessDenied') : undefined,
  )
  expect(await kindOf(upload())).toBe('access-denied')
  expect(steps()).not.toContain('complete')
  expect(steps().at(-1)).toBe('abort')
  await server.close()
  await serve(() => undefined)
  expect(await kindOf(upload('f'.repeat(64)))).toBe('checksum')
  expect(steps()).not.toContain('complete')
  expect(steps().at(-1)).toBe('abort')
})
