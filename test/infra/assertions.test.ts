// What must hold of the deployed resources in every stage. Each assertion is run on the real
// graph, where it must find nothing, and on a copy that was spoiled in one place, where it must find something.
import { describe, expect, inject, test } from 'vitest'
import { accessChecks } from './checks/access.ts'
import { changeChecks } from './checks/changes.ts'
import type { Editable } from './checks/check.ts'
import { computeChecks } from './checks/compute.ts'
import { messagingChecks } from './checks/messaging.ts'
import { storageChecks } from './checks/storage.ts'
import { streamChecks } from './checks/streams.ts'

const graphs = inject('graphs')

describe.each([
  ['storage', storageChecks],
  ['access', accessChecks],
  ['messaging', messagingChecks],
  ['streams', streamChecks],
  ['changes', changeChecks],
  ['compute', computeChecks],
])('%s', (_group, checks) => {
  test.each(checks.map(check => [check.name, check] as const))('%s', (_name, { find, breakIt }) => {
    expect(find(graphs.test)).toEqual([])
    expect(find(graphs.production)).toEqual([])
    expect(find(graphs.streams)).toEqual([])
    // A spoiled graph comes from JSON, so the copy shares nothing with the original.
    const spoiled: Editable = structuredClone({ ...graphs.test, resources: [...graphs.test.resources] })
    breakIt(spoiled)
    expect(find(spoiled)).not.toEqual([])
  })
})
