import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RawObject } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { isLakeError, LakeError } from '#lake/errors.ts'
import type { Lake, ObjectInfo, StagedFile, Uri } from '#lake/lake.ts'
import { rawId, type SourceVersion } from '#lake/raw-id.ts'
import { CONTRACT_VERSION, contractVersionOf, extensionOf, type RawFacts, rawKey, rawWriteOptions } from './name.ts'

export interface Incoming {
  readonly dataset: Dataset
  readonly source: SourceVersion
  /** From the HEAD of exactly this version. */
  readonly info: ObjectInfo
}

/**
 * Brings the exact version to local disk, takes its SHA-256 and creates the raw object. Run again it finds the object that it
 * made and returns the same value; other bytes under that name fail with `checksum`. undefined: the version is gone.
 */
export async function copyToRaw(lake: Lake, incoming: Incoming): Promise<RawObject | undefined> {
  const folder = join(lake.limits.scratch, `ingest-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  try {
    const staged = await stageVersion(lake, incoming, folder)
    return staged && (await uploadRaw(lake, incoming, staged))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** undefined: the version is gone. */
export async function stageVersion(
  lake: Lake,
  { source, info }: Pick<Incoming, 'source' | 'info'>,
  folder: string,
): Promise<StagedFile | undefined> {
  try {
    const staged = await lake.storage.stage(info.uri, folder, { version: source.version })
    // A body that is cut short is no error to the HTTP client.
    if (staged.bytes !== info.bytes)
      throw new LakeError('unavailable', 'the staged file and the object differ in length', {
        uri: info.uri,
        stagedBytes: staged.bytes,
        objectBytes: info.bytes,
      })
    return staged
  } catch (error) {
    // Deleted since the HEAD, unless the HEAD still finds it: then something else is missing, which is no reason to forget it.
    const gone =
      isLakeError(error, 'not-found') && (await lake.storage.head(info.uri, { version: source.version })) === undefined
    if (gone) return undefined
    throw error
  }
}

/** A local file as the raw object of the version, or of a part of it. */
export async function uploadRaw(lake: Lake, incoming: Incoming, staged: StagedFile): Promise<RawObject> {
  const { dataset, source, info } = incoming
  const id = rawId(source)
  const extension = extensionOf(dataset.source.format, await firstBytes(staged.path))
  const uri = `${lake.zones.raw}/${rawKey(dataset.name, { id, landedMs: source.landedMs }, extension)}`
  const contractVersion = contractVersionOf(dataset, info.metadata)
  const facts: RawFacts = { source, sha256: staged.sha256, contractVersion }
  const written = await createOrFind(lake, { uri, dataset, facts, path: staged.path })
  return {
    id,
    uri,
    version: written.version,
    bytes: staged.bytes,
    sha256: staged.sha256,
    sourceUri: info.uri,
    sourceVersion: source.version,
    landedMs: source.landedMs,
    // The contract may have moved on since the first run wrote the object: what it wrote then is what counts.
    contractVersion: Number(written.metadata[CONTRACT_VERSION] ?? contractVersion),
  }
}

interface RawWrite {
  readonly uri: Uri
  readonly dataset: Dataset
  readonly facts: RawFacts
  readonly path: string
}

/** 412 may answer our own earlier success, or its retry inside the SDK: the content decides, not the answer. */
async function createOrFind(lake: Lake, { uri, dataset, facts, path }: RawWrite): Promise<ObjectInfo> {
  const options = rawWriteOptions(dataset, facts)
  try {
    const written = await lake.storage.upload(path, uri, { ...options, sha256: facts.sha256 })
    return { ...written, metadata: options.metadata ?? {} }
  } catch (error) {
    if (!isLakeError(error, 'already-exists')) throw error
    const found = await lake.storage.head(uri)
    if (found === undefined)
      throw new LakeError('unavailable', 'the raw object exists, but cannot be read yet', { uri }, { cause: error })
    const sha256 = found.metadata['content-sha256']
    if (sha256 !== facts.sha256)
      throw new LakeError(
        'checksum',
        'the raw object exists with other content',
        { uri, found: sha256 },
        { cause: error },
      )
    return found
  }
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(4) })
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
