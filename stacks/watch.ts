import { watchSchedule } from '../workflows/rules.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import type { Ingest } from './ingest.ts'
import { invokeBySchedule } from './machine.ts'
import { countMessages, putEvents, readTables, readZone, sendMessages, writeZone } from './permissions.ts'
import { deadLetterQueue, queuePolicy } from './queue.ts'

export type Watch = ReturnType<typeof watch>

export interface WatchParts {
  readonly ingest: Ingest
  readonly schedules: aws.scheduler.ScheduleGroup
}

/** A schedule → `watch`, which measures every dataset. It reads what others wrote, and of ops writes what it told last. */
export function watch(resources: LakeResources, { ingest, schedules: group }: WatchParts) {
  const { staging, tables, ops } = resources.storage
  const deadLetters = deadLetterQueue('WatchDeadLetters')
  const fn = lakeFunction('watch', { ...resources, names: { SLUICE_QUEUE_INGEST: ingest.queue.url } }, [
    ...readZone(staging, '*/verdict.json'),
    ...readZone(tables),
    ...readZone(ops),
    ...writeZone(ops, 'watch/*'),
    ...readTables(resources.catalog),
    putEvents(resources.bus),
    countMessages(ingest.queue),
    sendMessages(deadLetters),
  ])
  invokeBySchedule('WatchSchedule', { function: fn, deadLetters, group, schedules: [watchSchedule] })
  queuePolicy('WatchDeadLetters', deadLetters, { rules: [] })
  return { function: fn, deadLetters }
}
