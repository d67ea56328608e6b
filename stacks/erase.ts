import type { LakeResources } from './function.ts'
import { destroyObjects, listVersions, readZone, swapTables, useDeadLetters, writeZone } from './permissions.ts'
import { operatorRole } from './role.ts'
import { eraserRole } from './stage.ts'

export type Erase = ReturnType<typeof erase>

/**
 * The role that `sluice erase --lake aws` runs under. It is nobody's until somebody of the account takes it on, who may only by a policy of his
 * own: no function and no schedule has it. It alone overwrites raw objects and destroys versions.
 */
export function erase({ storage, catalog }: LakeResources, deadLetters: readonly sst.aws.Queue[]) {
  const { landing, raw, staging, tables, ops } = storage
  return {
    role: operatorRole('EraseRole', eraserRole().name, [
      ...[landing, raw, staging, tables, ops].flatMap(zone => readZone(zone)),
      ...[raw, tables, ops].flatMap(zone => writeZone(zone)),
      ...[landing, raw, staging, tables, ops].map(zone => destroyObjects(zone)),
      ...[landing, raw, staging, tables, ops].map(zone => listVersions(zone)),
      ...swapTables(catalog),
      useDeadLetters(deadLetters),
    ]),
  }
}
