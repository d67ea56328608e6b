// Contract: the in-process bus and workflows keep every promise of their ports (bus.contract.ts).
import { expect } from 'vitest'
import { localBus, localWorkflows } from '#lake/disk/local-bus.ts'
import { busContract, workflowsContract } from './bus.contract.ts'

const log = { error: (message: string) => expect.fail(message) }

busContract('in process', async () => {
  const bus = localBus(log)
  return { bus, arrived: async () => bus.published, dispose: () => bus.idle() }
})

workflowsContract('in process', async () => {
  const workflows = localWorkflows(log)
  return {
    workflows,
    started: async machine => workflows.started.filter(one => one.machine === machine).map(one => one.name),
    dispose: () => workflows.idle(),
  }
})
