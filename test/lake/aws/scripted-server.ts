import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { S3Client } from '@aws-sdk/client-s3'
import { s3Storage } from '#lake/aws/s3-storage.ts'
import { seededIds, virtualClock } from '#lake/disk/virtual-time.ts'
import type { Storage } from '#lake/lake.ts'

export interface Request {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** The connection is cut after so many bytes of the body; the headers still promise all of it. */
  readonly cutAfter?: number
}

/** No reply at all: the connection is closed. */
export const HANG_UP = 'hang up'

export interface ScriptedServer {
  readonly endpoint: string
  readonly requests: readonly Request[]
  close(): Promise<void>
}

/** An HTTP server that answers as the test says: what an emulator cannot be asked for, such as a lost answer or a conflict. */
export async function scriptedServer(
  answer: (request: Request, index: number) => Reply | typeof HANG_UP,
): Promise<ScriptedServer> {
  const requests: Request[] = []
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming)
    const url = new URL(incoming.url ?? '/', 'http://server')
    const request = { method: incoming.method ?? '', url, headers: incoming.headers, body }
    requests.push(request)
    const reply = answer(request, requests.length - 1)
    if (reply === HANG_UP) return void incoming.socket.destroy()
    const bytes = Buffer.from(reply.body ?? '')
    outgoing.writeHead(reply.status ?? 200, { 'content-length': bytes.length, ...reply.headers })
    if (reply.cutAfter === undefined || request.method === 'HEAD') return void outgoing.end(bytes)
    outgoing.write(bytes.subarray(0, reply.cutAfter), () => setImmediate(() => incoming.socket.destroy()))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
export const retrying = () => ({ clock: virtualClock(0), ids: seededIds('aws') })

/** A storage whose bucket is the scripted server; the SDK itself tries twice. */
export function scriptedStorage(
  server: ScriptedServer,
  options: Partial<Omit<Parameters<typeof s3Storage>[0], 'client'>> = {},
): Storage {
  const client = new S3Client({
    endpoint: server.endpoint,
    forcePathStyle: true,
    region: 'eu-central-1',
    credentials,
    maxAttempts: 2,
  })
  return s3Storage({ client, ...retrying(), ...options })
}

export const s3Failure = (status: number, code: string): Reply => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said so</Message></Error>`,
})

export const xml = (body: string): Reply => ({ headers: { 'content-type': 'application/xml' }, body })

/** What a service with a JSON protocol answers, by the operation it was asked for. */
export const operationOf = (request: Request): string => String(request.headers['x-amz-target']).split('.').at(-1) ?? ''
export const json = (body: unknown): Reply => ({
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(body),
})
export const jsonFailure = (status: number, code: string): Reply => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': code },
  body: JSON.stringify({ __type: code, message: 'said so' }),
})
export const inputOf = (request: Request | undefined): Record<string, unknown> => JSON.parse(String(request?.body))
