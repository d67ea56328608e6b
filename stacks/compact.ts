import { compact as compactDefinition } from '../workflows/compact.ts'
import { compactionSchedules, tableNeedsCompaction } from '../workflows/rules.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import { startBySchedule, startOnEvent, stateMachine } from './machine.ts'
import {
  invokeFunctions,
  locateBucket,
  putEvents,
  readZone,
  runStatements,
  swapTables,
  writeZone,
} from './permissions.ts'
import { athena, atOnce, COMPACTION_WINDOW_MINUTES } from './plan.ts'
import { deadLetterQueue, queuePolicy } from './queue.ts'
import { accountId, isProduction, named } from './stage.ts'
import { maintainedTables } from './tables.ts'

export type Compact = ReturnType<typeof compact>

/** "Table Committed" with small files, or a schedule → the state machine of `workflows/compact.ts`, with its function and Athena. */
export function compact(resources: LakeResources, group: aws.scheduler.ScheduleGroup) {
  const fn = compactFunction(resources)
  const workGroup = athenaWorkGroup(resources)
  const machine = compactMachine(resources, fn, workGroup)
  const deadLetters = deadLetterQueue('CompactDeadLetters')
  const rule = startOnEvent('TableNeedsCompaction', {
    bus: resources.bus,
    rule: 'table-needs-compaction',
    target: 'TableToCompact',
    description: 'A table has as many small files as its dataset allows: compact it',
    pattern: tableNeedsCompaction,
    machine,
    deadLetters,
  })
  startBySchedule('CompactSchedule', {
    machine,
    deadLetters,
    group,
    schedules: compactionSchedules(maintainedTables()),
  })
  queuePolicy('CompactDeadLetters', deadLetters, { rules: [rule.arn] })
  return { function: fn, workGroup, machine, rule, deadLetters }
}

/** Rewrites data of tables, which it can write and not delete: what it replaces stays until the sweeper finds nothing that reaches it. */
function compactFunction(resources: LakeResources): sst.aws.Function {
  const { tables, ops } = resources.storage
  return lakeFunction('compact', resources, [
    ...readZone(tables),
    ...writeZone(tables),
    ...readZone(ops, COMPACTIONS),
    ...writeZone(ops, COMPACTIONS),
    ...swapTables(resources.catalog),
    putEvents(resources.bus),
  ])
}

/** Plans, and what became of their groups. */
const COMPACTIONS = 'compactions/*'

const ATHENA_OUTPUT = 'athena/'

/** For groups that outgrow a function. Nobody who uses it can choose another place or key for what it puts out. */
function athenaWorkGroup({ storage }: LakeResources): aws.athena.Workgroup {
  return new aws.athena.Workgroup('Compaction', {
    name: named('compaction'),
    description: 'Rewrites files of Iceberg tables that outgrow a function',
    forceDestroy: !isProduction(),
    configuration: {
      enforceWorkgroupConfiguration: true,
      publishCloudwatchMetricsEnabled: true,
      bytesScannedCutoffPerQuery: athena.scannedBytesMax,
      engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
      resultConfiguration: {
        outputLocation: $interpolate`${storage.ops.uri}/${ATHENA_OUTPUT}`,
        expectedBucketOwner: accountId(),
        encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKeyArn: storage.ops.key.arn },
      },
    },
  })
}

function compactMachine(
  { storage, bus, catalog }: LakeResources,
  fn: sst.aws.Function,
  workGroup: aws.athena.Workgroup,
): aws.sfn.StateMachine {
  const definition = $resolve({
    compact: fn.arn,
    bus: bus.name,
    database: catalog.database.name,
    athena: { workGroup: workGroup.name, output: $interpolate`${storage.ops.uri}/${ATHENA_OUTPUT}` },
    groupsAtOnce: atOnce.compactionGroups,
    windowMinutes: COMPACTION_WINDOW_MINUTES,
  }).apply(compactDefinition)
  return stateMachine('CompactMachine', {
    name: 'compact',
    definition,
    permissions: [
      invokeFunctions([fn]),
      putEvents(bus),
      // Athena does everything in the name of whoever starts the statement, so this role reads and writes tables too.
      ...runStatements(workGroup),
      ...readZone(storage.tables),
      ...writeZone(storage.tables),
      ...swapTables(catalog),
      ...readZone(storage.ops, `${ATHENA_OUTPUT}*`),
      ...writeZone(storage.ops, `${ATHENA_OUTPUT}*`),
      locateBucket([storage.tables, storage.ops]),
    ],
  })
}
