import { glueCatalog } from '#lake/aws/glue-catalog.ts'
import { s3Storage } from '#lake/aws/s3-storage.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { systemClock, systemIds } from '#lake/system.ts'
import { endpoint, glue, s3 } from './moto.ts'

/** A lake whose tables are in S3 and Glue, as on AWS; everything else is in the scratch folder. */
export function glueLake(where: { readonly tables: Uri; readonly database: string; readonly scratch: string }): Lake {
  const lake = diskLake(where.scratch)
  const retrying = { clock: systemClock, ids: systemIds }
  return {
    ...lake,
    zones: { ...lake.zones, tables: where.tables },
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
