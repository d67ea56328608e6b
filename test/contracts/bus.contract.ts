/** What every Bus and every Workflows adapter promises to those who publish and start; who listens is the adapter's own business. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Bus, LakeEvent, Workflows } from '#lake/lake.ts'
import { kindOf } from './storage.contract.ts'

export interface BusUnderTest {
  readonly bus: Bus
  /** What arrived, in any order. */
  arrived(): Promise<readonly LakeEvent[]>
  dispose(): Promise<void>
}

export interface WorkflowsUnderTest {
  readonly workflows: Workflows
  /** Names of the executions of a machine. */
  started(machine: string): Promise<readonly string[]>
  dispose(): Promise<void>
}

export function busContract(name: string, make: () => Promise<BusUnderTest>): void {
  describe(`bus contract: ${name}`, () => {
    let under: BusUnderTest
    beforeAll(async () => {
      under = await make()
    })
    afterAll(() => under.dispose())

    test('every event arrives as it was published, however many there are in one call', async () => {
      const events = Array.from({ length: 23 }, (_, index) => ({
        'detail-type': 'Raw Batch Ready',
        detail: { dataset: 'trips', batch: `batch-${index}`, note: 'ü ☃', counts: { objects: index } },
      }))
      await under.bus.publish(events)
      const arrived = await under.arrived()
      for (const event of events) expect(arrived).toContainEqual(event)
    })

    test('nothing to publish is nothing to do', async () => {
      const before = (await under.arrived()).length
      await under.bus.publish([])
      expect((await under.arrived()).length).toBe(before)
    })
  })
}

export function workflowsContract(name: string, make: () => Promise<WorkflowsUnderTest>): void {
  describe(`workflows contract: ${name}`, () => {
    let under: WorkflowsUnderTest
    beforeAll(async () => {
      under = await make()
    })
    afterAll(() => under.dispose())

    test('a name is started once; starting it again, with the same or another input, is a success', async () => {
      await under.workflows.start('refine', { name: 'batch-1-0', input: { batch: 'batch-1' } })
      await under.workflows.start('refine', { name: 'batch-1-0', input: { batch: 'batch-1' } })
      await under.workflows.start('refine', { name: 'batch-1-0', input: { batch: 'other' } })
      await under.workflows.start('refine', { name: 'batch-2-0', input: { batch: 'batch-2' } })
      expect([...(await under.started('refine'))].sort()).toEqual(['batch-1-0', 'batch-2-0'])
    })

    test('input over 256 KiB is refused before it is sent: Step Functions would refuse it', async () => {
      const start = under.workflows.start('refine', { name: 'large', input: { text: 'x'.repeat(262_144) } })
      expect(await kindOf(start)).toBe('usage')
    })
  })
}
