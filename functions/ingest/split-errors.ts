import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { LakeError } from '#lake/errors.ts'
import { sha256File } from '#lake/file-hash.ts'
import type { StagedFile } from '#lake/lake.ts'
import { linesIn } from '#lake/lines.ts'
import { ownersOf, recordWithout, type StreamError, streamErrors } from '#lake/stream-error.ts'
import type { StreamDataset, StreamRouter } from '#lake/stream-route.ts'

/** What an object of records that Firehose could not process holds, by whose they are. */
export interface SplitErrors {
  /** By name of the dataset: a file of its errors, line by line as they were delivered. */
  readonly parts: ReadonlyMap<string, StagedFile>
  /** Records that no dataset takes, or of which nothing can be read. */
  readonly strays: { readonly records: number; readonly code: string | undefined }
}

/** A record of 1,000 KiB in base64, with room to spare. */
const LINE_BYTES_MAX = 8_388_608
const FLUSH_BYTES = 1_048_576

/** Goes over the object once. Of a record that has events of several datasets each part has its own. */
export async function splitErrors(
  path: string,
  { router, folder }: { readonly router: StreamRouter; readonly folder: string },
): Promise<SplitErrors> {
  const parts = new Map<string, PartFile>()
  let strays = 0
  let code: string | undefined
  for await (const { error, isCut } of errorsOf(path)) {
    const owners = isCut ? new Set([undefined]) : ownersOf(router, error.raw)
    for (const owner of owners) {
      if (owner === undefined) {
        strays++
        code ??= error.code
        continue
      }
      const part = parts.get(owner) ?? new PartFile(join(folder, `${owner}.ndjson`))
      parts.set(owner, part)
      await part.write(owners.size === 1 ? error.text : shareOf(router.named(owner), error))
    }
  }
  const files = new Map<string, StagedFile>()
  for (const [owner, part] of [...parts].toSorted(([a], [b]) => (a < b ? -1 : 1))) files.set(owner, await part.finish())
  return { parts: files, strays: { records: strays, code } }
}

/** An erasure looks for a dataset's records among its own raw objects. */
function shareOf(dataset: StreamDataset | undefined, { text, raw }: StreamError): string {
  if (dataset === undefined || raw === undefined) return text
  const rawData = recordWithout(dataset, raw, () => false).toString('base64')
  return JSON.stringify({ ...(JSON.parse(text) as object), rawData })
}

async function* errorsOf(path: string): AsyncGenerator<{ readonly error: StreamError; readonly isCut: boolean }> {
  for await (const { bytes, isCut } of linesIn(await plainBytes(path), LINE_BYTES_MAX)) {
    const text = bytes.toString('utf8').trim()
    if (text === '') continue
    for (const error of streamErrors(text)) yield { error, isCut }
  }
}

async function plainBytes(path: string): Promise<AsyncIterable<Uint8Array>> {
  const file = await open(path)
  const { buffer } = await file.read({ buffer: Buffer.alloc(2) }).finally(() => file.close())
  const source = createReadStream(path)
  return buffer.readUInt16BE() === 0x1f8b ? inflated(source) : source
}

async function* inflated(source: ReturnType<typeof createReadStream>): AsyncGenerator<Uint8Array> {
  try {
    yield* source.pipe(createGunzip())
  } catch (cause) {
    throw new LakeError('file-unreadable', 'the gzip data is damaged', {}, { cause })
  }
}

/** Written in large pieces: there may be many small errors. */
class PartFile {
  readonly #path: string
  #begun = false
  #lines: string[] = []
  #length = 0

  constructor(path: string) {
    this.#path = path
  }

  async write(text: string): Promise<void> {
    this.#lines.push(text.replaceAll('\n', ' '), '\n')
    this.#length += text.length
    if (this.#length >= FLUSH_BYTES) await this.#flush()
  }

  async finish(): Promise<StagedFile> {
    await this.#flush()
    const file = await open(this.#path)
    const bytes = await file.stat().finally(() => file.close())
    return { path: this.#path, bytes: bytes.size, sha256: await sha256File(this.#path) }
  }

  async #flush(): Promise<void> {
    const file = await open(this.#path, this.#begun ? 'a' : 'w')
    await file.writeFile(this.#lines.join('')).finally(() => file.close())
    this.#begun = true
    this.#lines = []
    this.#length = 0
  }
}
