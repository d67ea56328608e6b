import { watchSchedule } from '../workflows/rules.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import { invokeBySchedule } from './machine.ts'
import { putEvents, readTables, readZone, sendMessages, writeZone } from './permissions.ts'
import { deadLetterQueue, queuePolicy } from './queue.ts'

export type Watch = ReturnType<typeof watch>

/** A schedule → `watch`, which measures every dataset. It reads what others wrote, and of ops writes what it told last. */
export function watch(resources: LakeResources, group: aws.scheduler.ScheduleGroup) {
  const { staging, tables, ops } = resources.storage
  const deadLetters = deadLetterQueue('WatchDeadLetters')
  const fn = lakeFunction('watch', resources, [
    ...readZone(staging, '*/verdict.json'),
    ...readZone(tables),
    ...readZone(ops),
    ...writeZone(ops, 'watch/*'),
    ...readTables(resources.catalog),
    putEvents(resources.bus),
    sendMessages(deadLetters),
  ])
  invokeBySchedule('WatchSchedule', { function: fn, deadLetters, group, schedules: [watchSchedule] })
  queuePolicy('WatchDeadLetters', deadLetters, { rules: [] })
  return { function: fn, deadLetters }
}
