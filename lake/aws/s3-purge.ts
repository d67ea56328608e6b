import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3'
import type { Uri } from '../lake.ts'
import { addressOf, type S3Access, s3Error } from './s3-address.ts'

/** A bound on the world: no object of ours has a thousand pages of versions. */
const PAGES_MAX = 1_000

/**
 * Deletes the versions of one key that are not its latest. Object Lock in governance mode is bypassed, which takes a right of its own
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html).
 */
export async function purgeObject(access: S3Access, uri: Uri): Promise<void> {
  const { Key, ...bucket } = addressOf(access, uri)
  let position: Pick<ListObjectVersionsCommandOutput, 'NextKeyMarker' | 'NextVersionIdMarker'> = {}
  try {
    for (let page = 1; page <= PAGES_MAX; page++) {
      const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = position
      const answer = await access.client.send(
        new ListObjectVersionsCommand({ ...bucket, Prefix: Key, KeyMarker, VersionIdMarker }),
      )
      const all = [...(answer.Versions ?? []), ...(answer.DeleteMarkers ?? [])]
      for (const { VersionId } of all.filter(each => each.Key === Key && each.IsLatest !== true))
        await access.client.send(
          new DeleteObjectCommand({ ...bucket, Key, VersionId, BypassGovernanceRetention: true }),
        )
      // Keys come in order: once a longer one is met, there is nothing more of this one.
      if (answer.IsTruncated !== true || all.every(each => each.Key !== Key)) return
      position = answer
    }
  } catch (error) {
    throw s3Error(error, uri)
  }
}
