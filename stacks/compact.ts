import { compact as compactDefinition } from '../workflows/compact.ts'
import { compactionSchedules, tableNeedsCompaction } from '../workflows/rules.ts'
import { athenaOutput, athenaWorkGroup, useAthena } from './athena.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import { startBySchedule, startOnEvent, stateMachine } from './machine.ts'
import { invokeFunctions, putEvents, readZone, swapTables, writeZone } from './permissions.ts'
import { athena, atOnce, COMPACTION_WINDOW_MINUTES } from './plan.ts'
import { deadLetterQueue, queuePolicy } from './queue.ts'
import { maintainedTables } from './tables.ts'

export type Compact = ReturnType<typeof compact>

/** "Table Committed" with small files, or a schedule → the state machine of `workflows/compact.ts`, with its function and Athena. */
export function compact(resources: LakeResources, group: aws.scheduler.ScheduleGroup) {
  const fn = compactFunction(resources)
  const workGroup = athenaWorkGroup(resources.storage, {
    id: 'Compaction',
    description: 'Rewrites files of Iceberg tables that outgrow a function',
    scannedBytesMax: athena.scannedBytesMax.compaction,
  })
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

function compactMachine(
  { storage, bus, catalog }: LakeResources,
  fn: sst.aws.Function,
  workGroup: aws.athena.Workgroup,
): aws.sfn.StateMachine {
  const definition = $resolve({
    compact: fn.arn,
    bus: bus.name,
    database: catalog.database.name,
    athena: { workGroup: workGroup.name, output: athenaOutput(storage) },
    groupsAtOnce: atOnce.compactionGroups,
    windowMinutes: COMPACTION_WINDOW_MINUTES,
  }).apply(compactDefinition)
  return stateMachine('CompactMachine', {
    name: 'compact',
    definition,
    permissions: [invokeFunctions([fn]), putEvents(bus), ...useAthena({ storage, catalog }, workGroup)],
  })
}
