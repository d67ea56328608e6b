import { hashText } from '#lake/batch.ts'
import { LakeError } from '#lake/errors.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { hasLiveFiles } from '#lake/iceberg/manifest-list.ts'
import { currentSnapshot } from '#lake/iceberg/metadata.ts'
import { stageRewriteManifests } from '#lake/iceberg/operations/rewrite-manifests.ts'
import type { ManifestGroup, Staged } from '#lake/iceberg/operations/staged.ts'
import { manifestsOf } from '#lake/iceberg/snapshot.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import type { ManifestFile } from '#lake/iceberg/types.ts'
import type { Lake, TableName } from '#lake/lake.ts'

export interface ManifestsReport {
  readonly table: TableName
  readonly dryRun: boolean
  /** False when they are few, or large enough. */
  readonly rewritten: boolean
  readonly before: ManifestsAmount
  /** In a dry run what is to be expected: their number, and the bytes of today. */
  readonly after: ManifestsAmount
}

export interface ManifestsAmount {
  readonly manifests: number
  readonly bytes: number
}

/** Reading a manifest more costs a scan one request; a commit costs a snapshot, a list and a version of the metadata. */
const GAIN_MIN = 10

/**
 * Moves the entries of many small manifests into few, ordered by partition, so that scans open fewer of them. The live files stay what they
 * are, whoever else commits meanwhile. Does nothing when it is not worth a commit.
 */
export async function rewriteManifests(
  lake: Lake,
  request: { readonly table: TableName; readonly dryRun?: boolean },
): Promise<ManifestsReport> {
  const base = await openTable(lake, request.table)
  const manifests = await liveManifests(lake, base)
  const groups = stage(base, manifests).rewrittenManifests ?? []
  const before = amountOf(manifests)
  const report = { table: request.table, dryRun: request.dryRun === true, rewritten: isWorthwhile(groups), before }
  if (!report.rewritten) return { ...report, after: before }
  if (report.dryRun) return { ...report, after: { ...before, manifests: before.manifests - gainOf(groups) } }
  return { ...report, after: amountOf(await liveManifests(lake, await commitRewrite(lake, base))) }
}

async function commitRewrite(lake: Lake, base: Table): Promise<Table> {
  const { 'table-uuid': uuid, 'current-snapshot-id': snapshot } = base.metadata
  const commitId = hashText('rewrite-manifests', base.name, uuid, String(snapshot)).slice(0, 40)
  let staged: Staged | undefined
  const { table } = await commit(lake, base.name, { commitId }, async current => {
    staged = stage(current, await liveManifests(lake, current), staged)
    if (staged.rewrittenManifests?.length === 0)
      throw new LakeError('conflict', `${base.name}: others have rewritten its manifests`, { table: base.name })
    return staged
  })
  return table
}

function stage({ metadata }: Table, manifests: readonly ManifestFile[], before?: Staged): Staged {
  const target = Number(metadata.properties['commit.manifest.target-size-bytes'])
  return stageRewriteManifests(manifests, { ...(target > 0 ? { targetBytes: target } : {}), before })
}

async function liveManifests(lake: Lake, { metadata }: Table): Promise<readonly ManifestFile[]> {
  return (await manifestsOf(lake, currentSnapshot(metadata))).filter(hasLiveFiles)
}

const gainOf = (groups: readonly ManifestGroup[]): number =>
  groups.reduce((sum, group) => sum + group.manifests.length - group.outputs, 0)

/** Oversized ones are always worth it: a scan cannot read one of them by several hands. */
function isWorthwhile(groups: readonly ManifestGroup[]): boolean {
  return gainOf(groups) >= GAIN_MIN || groups.some(group => group.outputs > group.manifests.length)
}

function amountOf(manifests: readonly ManifestFile[]): ManifestsAmount {
  return {
    manifests: manifests.length,
    bytes: manifests.reduce((sum, manifest) => sum + Number(manifest.manifest_length), 0),
  }
}
