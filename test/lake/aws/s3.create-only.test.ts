// Contract: a create-only write ends in what really happened. A conflict is sent again, a 412 that is the echo of our own lost
// success is a success, and a 412 of somebody else's object is `already-exists`, whatever its bytes are.
import { afterEach, expect, test } from 'vitest'
import { kindOf } from '../../contracts/storage.contract.ts'
import {
  type Reply,
  type Request,
  type ScriptedServer,
  s3Failure,
  scriptedServer,
  scriptedStorage,
} from './scripted-server.ts'

let server: ScriptedServer
afterEach(() => server.close())

const created: Reply = { headers: { etag: '"e"', 'x-amz-version-id': 'v1' } }
const create = () =>
  scriptedStorage(server).put('s3://bucket/key', Buffer.from('bytes'), { ifNoneMatch: true, metadata: { a: 'b' } })

const markOf = (request: Request | undefined): string => String(request?.headers['x-amz-meta-sluice-attempt'])
const headWith = (mark: string): Reply => ({
  headers: { etag: '"e"', 'x-amz-version-id': 'v9', 'x-amz-meta-a': 'b', 'x-amz-meta-sluice-attempt': mark },
})

test('the request carries the condition and the SHA-256 of its bytes', async () => {
  server = await scriptedServer(() => created)
  expect(await create()).toMatchObject({ version: 'v1', bytes: 5, metadata: { a: 'b' } })
  expect(server.requests).toHaveLength(1)
  expect(server.requests[0]?.headers['if-none-match']).toBe('*')
  expect(server.requests[0]?.headers['x-amz-checksum-sha256']).toBe('J3CJ2RwL308uaGK6fkoHYFEZQx9dE/cm3TUrBvGyBqk=')
})

test('an unconditional write carries neither condition nor mark', async () => {
  server = await scriptedServer(() => created)
  await scriptedStorage(server).put('s3://bucket/key', Buffer.from('bytes'))
  expect(server.requests[0]?.headers['if-none-match']).toBeUndefined()
  expect(markOf(server.requests[0])).toBe('undefined')
})

test('409: the same bytes are sent again, under the same mark', async () => {
  server = await scriptedServer((_request, index) =>
    index === 0 ? s3Failure(409, 'ConditionalRequestConflict') : created,
  )
  expect(await create()).toMatchObject({ version: 'v1' })
  const [first, second] = server.requests
  expect(second?.body).toEqual(first?.body)
  expect(markOf(second)).toBe(markOf(first))
})

test('409 without end is a conflict after five attempts', async () => {
  server = await scriptedServer(() => s3Failure(409, 'ConditionalRequestConflict'))
  expect(await kindOf(create())).toBe('conflict')
  expect(server.requests).toHaveLength(5)
})

test('412 at once is somebody else, without a look', async () => {
  server = await scriptedServer(() => s3Failure(412, 'PreconditionFailed'))
  expect(await kindOf(create())).toBe('already-exists')
  expect(server.requests.map(request => request.method)).toEqual(['PUT'])
})

test('412 after a lost answer, and the object has our mark: it is our own, and the mark is not shown', async () => {
  server = await scriptedServer((request, index) => {
    if (request.method === 'HEAD') return headWith(markOf(server.requests[0]))
    return index === 0 ? s3Failure(500, 'InternalError') : s3Failure(412, 'PreconditionFailed')
  })
  expect(await create()).toMatchObject({ version: 'v9', metadata: { a: 'b' } })
  expect(server.requests.map(request => request.method)).toEqual(['PUT', 'PUT', 'HEAD'])
})

test('412 after a lost answer, and the object has another mark: somebody else was first', async () => {
  server = await scriptedServer((request, index) => {
    if (request.method === 'HEAD') return headWith('another')
    return index === 0 ? s3Failure(500, 'InternalError') : s3Failure(412, 'PreconditionFailed')
  })
  expect(await kindOf(create())).toBe('already-exists')
})

test('412 after a 409: the conflict may have been our own, so the object is looked at', async () => {
  server = await scriptedServer((request, index) => {
    if (request.method === 'HEAD') return headWith(markOf(server.requests[0]))
    return index === 0 ? s3Failure(409, 'ConditionalRequestConflict') : s3Failure(412, 'PreconditionFailed')
  })
  expect(await create()).toMatchObject({ version: 'v9' })
})

test('two writes have two marks', async () => {
  server = await scriptedServer(() => created)
  const storage = scriptedStorage(server)
  for (const key of ['a', 'b']) await storage.put(`s3://bucket/${key}`, Buffer.from('x'), { ifNoneMatch: true })
  expect(markOf(server.requests[0])).not.toBe(markOf(server.requests[1]))
})
