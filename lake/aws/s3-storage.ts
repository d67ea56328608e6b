import { DeleteObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { Clock, Ids, Storage } from '../lake.ts'
import { addressOf, type S3Access, s3Error } from './s3-address.ts'
import { purgeObject } from './s3-purge.ts'
import { getObject, headObject, listObjects, listVersions, stageObject } from './s3-read.ts'
import { copyObject, putObject, uploadFile } from './s3-write.ts'

export interface S3Options {
  readonly client: S3Client
  readonly clock: Clock
  readonly ids: Ids
  readonly owner?: string
  readonly rangeBytes?: number
  readonly partBytes?: number
  readonly width?: number
  readonly copyBytesMax?: number
}

const MIB = 1024 * 1024

/** Objects in S3. Ranges and parts of 16 MiB, four at a time: an upload holds at most 80 MiB, a staged range is written as it arrives. */
export function s3Storage(options: S3Options): Storage {
  const access: S3Access = {
    client: options.client,
    clock: options.clock,
    ids: options.ids,
    nowMs: () => options.clock.nowMs(),
    owner: options.owner,
    rangeBytes: options.rangeBytes ?? 16 * MIB,
    partBytes: options.partBytes ?? 16 * MIB,
    width: options.width ?? 4,
    copyBytesMax: options.copyBytesMax ?? 512 * MIB,
  }
  return {
    folders: [],
    head: (uri, read) => headObject(access, uri, read),
    get: (uri, read = {}) => getObject(access, uri, read),
    put: (uri, body, write = {}) => putObject(access, uri, { ...write, body }),
    copy: (from, to, write = {}) => copyObject(access, from, { ...write, to }),
    list: (prefix, range) => listObjects(access, prefix, range?.startAfter),
    versions: prefix => listVersions(access, prefix),
    stage: (uri, folder, read = {}) => stageObject(access, uri, { ...read, folder }),
    upload: (path, uri, write) => uploadFile(access, uri, { ...write, path }),
    delete: async uri => {
      await access.client.send(new DeleteObjectCommand(addressOf(access, uri))).catch(error => {
        throw s3Error(error, uri)
      })
    },
    purge: uri => purgeObject(access, uri),
  }
}
