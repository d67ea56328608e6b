import type { AthenaTargets } from '../workflows/athena.ts'
import type { LakeResources } from './function.ts'
import { locateBucket, type Permission, readZone, runStatements, swapTables, writeZone } from './permissions.ts'
import { accountId, isProduction, named } from './stage.ts'

type Parts = Pick<LakeResources, 'storage' | 'catalog'>

const OUTPUT = 'athena/'

export const athenaOutput = (storage: Parts['storage']) => $interpolate`${storage.ops.uri}/${OUTPUT}`

/** For work that outgrows a function. Nobody who uses it can choose another place or key for what it puts out. */
export function athenaWorkGroup(
  storage: Parts['storage'],
  { id, ...plan }: { readonly id: string; readonly description: string; readonly scannedBytesMax: number },
): aws.athena.Workgroup {
  return new aws.athena.Workgroup(id, {
    name: named(id.toLowerCase()),
    description: plan.description,
    forceDestroy: !isProduction(),
    configuration: {
      enforceWorkgroupConfiguration: true,
      publishCloudwatchMetricsEnabled: true,
      bytesScannedCutoffPerQuery: plan.scannedBytesMax,
      engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
      resultConfiguration: {
        outputLocation: athenaOutput(storage),
        expectedBucketOwner: accountId(),
        encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKeyArn: storage.ops.key.arn },
      },
    },
  })
}

/** What a definition says of Athena. */
export const athenaTargets = (
  { storage, catalog }: Parts,
  workGroup: aws.athena.Workgroup,
): $util.Output<AthenaTargets> =>
  $resolve({ database: catalog.database.name, workGroup: workGroup.name, output: athenaOutput(storage) })

/**
 * Athena does everything in the name of whoever starts the statement, so the role of a machine reads and writes tables too; it can delete
 * nothing, and so cannot take away files of a commit whose answer was lost.
 */
export function useAthena({ storage, catalog }: Parts, workGroup: aws.athena.Workgroup): Permission[] {
  return [
    ...runStatements(workGroup),
    ...readZone(storage.tables),
    ...writeZone(storage.tables),
    ...swapTables(catalog),
    ...readZone(storage.ops, `${OUTPUT}*`),
    ...writeZone(storage.ops, `${OUTPUT}*`),
    locateBucket([storage.tables, storage.ops]),
  ]
}
