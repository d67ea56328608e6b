import { CANARY_PREFIX } from '../lake/canary.ts'
import { canarySchedule } from '../workflows/rules.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import { invokeBySchedule } from './machine.ts'
import { sendMessages, writeZone } from './permissions.ts'
import { deadLetterQueue, queuePolicy } from './queue.ts'

export type Canary = ReturnType<typeof canary>

/** A schedule → `canary`, which puts objects of its own dataset into landing and can do nothing else. */
export function canary(resources: LakeResources, group: aws.scheduler.ScheduleGroup) {
  const deadLetters = deadLetterQueue('CanaryDeadLetters')
  const fn = lakeFunction('canary', resources, [
    ...writeZone(resources.storage.landing, `${CANARY_PREFIX}*`),
    sendMessages(deadLetters),
  ])
  invokeBySchedule('CanarySchedule', { function: fn, deadLetters, group, schedules: [canarySchedule] })
  queuePolicy('CanaryDeadLetters', deadLetters, { rules: [] })
  return { function: fn, deadLetters }
}
