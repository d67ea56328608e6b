import { glueCatalog } from '#lake/aws/glue-catalog.ts'
import { s3Storage } from '#lake/aws/s3-storage.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { systemClock, systemIds } from '#lake/system.ts'
import { endpoint, glue, s3 } from './moto.ts'

/** A lake whose objects are in a bucket and whose tables are in Glue, as on AWS; only what is scratch is in the folder. */
export function glueLake(where: { readonly bucket: Uri; readonly database: string; readonly scratch: string }): Lake {
  const lake = diskLake(where.scratch)
  const retrying = { clock: systemClock, ids: systemIds }
  return {
    ...lake,
    zones: { ...lake.zones, tables: `${where.bucket}/tables`, ops: `${where.bucket}/ops` },
    storage: s3Storage({ ...retrying, client: s3 }),
    catalog: glueCatalog({ ...retrying, client: glue, swapClient: glue, database: where.database }),
  }
}

/** The properties with which PyIceberg finds the same tables. */
export function glueProperties(): Readonly<Record<string, string>> {
  const access = { 'access-key-id': 'test', 'secret-access-key': 'test', region: 'eu-central-1', endpoint: endpoint() }
  const of = (service: string) => Object.entries(access).map(([key, value]) => [`${service}.${key}`, value] as const)
  return Object.fromEntries([...of('glue'), ...of('s3')])
}
