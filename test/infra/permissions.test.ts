// What each role may do, action by action, stands in permissions.txt: a change that widens it shows in review. Run
// `npm run test:infra -- --update` after a change that is meant.
import { expect, inject, test } from 'vitest'
import { list, ofType, ROLE, roleStatements } from './checks/check.ts'

const { test: graph } = inject('graphs')

test('the effective permissions are those in permissions.txt', async () => {
  const lines = ofType(graph, ROLE).flatMap(role =>
    roleStatements(role).flatMap(statement =>
      list(statement.Action).flatMap(action =>
        list(statement.Resource).map(resource =>
          [role.name, statement.Effect, action, resource, JSON.stringify(statement.Condition ?? {})].join(' '),
        ),
      ),
    ),
  )
  expect(lines.length).toBeGreaterThan(50)
  await expect(`${[...new Set(lines)].sort().join('\n')}\n`).toMatchFileSnapshot('permissions.txt')
})
