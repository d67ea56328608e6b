import type { Dataset, Source } from './dataset.ts'
import type { Check } from './dataset-columns.ts'

export type ChangePublish = Extract<Dataset['publish'], { readonly mode: 'merge' | 'history' }>

export interface ChangePublishSpec {
  readonly mode: ChangePublish['mode']
  readonly key: string | readonly string[]
  readonly deletes?: 'hard' | 'soft'
  readonly tombstoneHours?: number
  readonly mergeBytesMax?: number
}

const PUBLISH_FIELDS = ['mode', 'key', 'deletes', 'tombstoneHours', 'mergeBytesMax']

/** A week, as long as most streams keep their records. */
const TOMBSTONE_HOURS = 168

/**
 * A function has 10 GB of disk, two cores and 15 minutes. 4 GiB of key and version columns are some four hundred million rows: fetched in a
 * minute or two and joined in as much, which leaves room for what the merge writes and for a lost race or two.
 */
const MERGE_BYTES_MAX = 4_294_967_296

/** Key, deletes and tombstones of a table that change events feed. */
export function changePublishOf(
  publish: ChangePublishSpec,
  { columns, changes }: { readonly columns: Dataset['columns']; readonly changes: Source['changes'] },
  check: Check,
): ChangePublish {
  const { mode } = publish
  for (const name of Object.keys(publish))
    check(
      PUBLISH_FIELDS.includes(name),
      `publish.${name}`,
      `is not a setting; the settings are ${PUBLISH_FIELDS.join(', ')}`,
    )
  check(
    changes !== undefined,
    'source.changes',
    `is missing: '${mode}' applies change events in the order of their source; say what they look like, e.g. { shape: 'debezium' }`,
  )
  const key = typeof publish.key === 'string' ? [publish.key] : (publish.key ?? [])
  check(key.length > 0, 'publish.key', 'is missing: name the columns that tell one row from another')
  check(new Set(key).size === key.length, 'publish.key', 'names a column twice')
  for (const name of key) {
    const type = columns.find(each => each.name === name)?.type
    check(type !== undefined, 'publish.key', `names "${name}", which is not a declared column`)
    check(
      typeof type === 'string' && type !== 'float' && type !== 'double',
      'publish.key',
      `names "${name}", a ${typeof type === 'string' ? type : 'nested type'}: keys must be exact primitive values`,
    )
  }
  const deletes = publish.deletes ?? 'hard'
  check(deletes === 'hard' || deletes === 'soft', 'publish.deletes', "must be 'hard' or 'soft'")
  check(
    mode === 'merge' || publish.deletes === undefined,
    'publish.deletes',
    "applies to 'merge': history keeps every row anyway",
  )
  const tombstoneHours = publish.tombstoneHours ?? TOMBSTONE_HOURS
  check(Number.isFinite(tombstoneHours) && tombstoneHours > 0, 'publish.tombstoneHours', 'must be a number above 0')
  const mergeBytesMax = publish.mergeBytesMax ?? MERGE_BYTES_MAX
  check(
    Number.isSafeInteger(mergeBytesMax) && mergeBytesMax >= 0,
    'publish.mergeBytesMax',
    'must be a whole number of bytes, 0 or more; 0 hands every batch to Athena',
  )
  return { mode, key, deletes, tombstoneHours, mergeBytesMax }
}
