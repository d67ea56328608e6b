import { maintain as maintainDefinition } from '../workflows/maintain.ts'
import { maintenanceSchedule } from '../workflows/rules.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import { startBySchedule, stateMachine } from './machine.ts'
import {
  deleteObjects,
  invokeFunctions,
  putEvents,
  readTables,
  readZone,
  swapTables,
  writeZone,
} from './permissions.ts'
import { atOnce } from './plan.ts'
import { deadLetterQueue, queuePolicy } from './queue.ts'
import { maintainedTables } from './tables.ts'

export type Maintain = ReturnType<typeof maintain>

/** A schedule → the state machine of `workflows/maintain.ts` with its two functions: one commits, the other deletes. */
export function maintain(resources: LakeResources, group: aws.scheduler.ScheduleGroup) {
  const functions = { maintain: maintainFunction(resources), sweep: sweeper(resources) }
  const machine = maintainMachine(resources, functions)
  const deadLetters = deadLetterQueue('MaintainDeadLetters')
  const schedules = [maintenanceSchedule(maintainedTables())]
  startBySchedule('MaintainSchedule', { machine, deadLetters, group, schedules })
  queuePolicy('MaintainDeadLetters', deadLetters, { rules: [] })
  return { ...functions, machine, deadLetters }
}

/** Commits tables with fewer snapshots and manifests. It writes metadata alone, and deletes nothing. */
function maintainFunction(resources: LakeResources): sst.aws.Function {
  const { tables } = resources.storage
  return lakeFunction('maintain', resources, [
    ...readZone(tables),
    ...writeZone(tables, '*/metadata/*'),
    ...swapTables(resources.catalog),
  ])
}

/** The only role that deletes objects. It cannot commit, so that it never deletes what it has itself made unreachable. */
function sweeper(resources: LakeResources): sst.aws.Function {
  const { tables } = resources.storage
  return lakeFunction('sweep', resources, [
    ...readZone(tables),
    deleteObjects(tables),
    ...readTables(resources.catalog),
  ])
}

interface Functions {
  readonly maintain: sst.aws.Function
  readonly sweep: sst.aws.Function
}

function maintainMachine({ bus }: LakeResources, functions: Functions): aws.sfn.StateMachine {
  const definition = $resolve({
    maintain: functions.maintain.arn,
    sweep: functions.sweep.arn,
    bus: bus.name,
    tablesAtOnce: atOnce.maintainedTables,
  }).apply(maintainDefinition)
  return stateMachine('MaintainMachine', {
    name: 'maintain',
    definition,
    permissions: [invokeFunctions([functions.maintain, functions.sweep]), putEvents(bus)],
  })
}
