import { MAINTENANCE_FAILED, type MaintenanceFailed } from './events.ts'
import type { Branch, StateMachine, States, TaskState } from './states-language.ts'
import { announcedFailure, causeUpTo, giveUp, invoke, review, type Templated } from './tasks.ts'

/** What the definition refers to: ARNs of the two functions and the name of Sluice's bus. */
export interface MaintainTargets {
  readonly maintain: string
  readonly sweep: string
  readonly bus: string
  readonly tablesAtOnce: number
}

/**
 * `maintain`: of each table expire snapshots, then rewrite manifests, then delete what nothing reaches any more. Started by
 * a schedule with `{ tables }`. Only the sweeper deletes, and it never commits; the steps before it commit and never delete.
 */
export function maintain(targets: MaintainTargets): StateMachine {
  return {
    Comment: 'Keep tables small in metadata and free of files that nothing reaches.',
    QueryLanguage: 'JSONata',
    TimeoutSeconds: 43_200,
    StartAt: 'Maintain Tables',
    States: {
      'Maintain Tables': {
        Type: 'Map',
        Items: '{% $states.input.tables %}',
        MaxConcurrency: targets.tablesAtOnce,
        ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, ...oneTable(targets) },
        Assign: { failed: "{% [$states.result[status = 'failed']] %}" },
        Output: {},
        Catch: [{ ...giveUp('map'), Assign: { failed: [] } }],
        Next: 'Review',
      },
      ...conclusion(targets.bus),
    },
  }
}

/** A table whose step fails is left as it is, and the other tables go on. */
function oneTable({ maintain: maintainArn, sweep }: MaintainTargets): Branch {
  return {
    StartAt: 'Expire Snapshots',
    States: {
      'Expire Snapshots': {
        ...step(maintainArn, 'expire', { ifExists: true }),
        Output:
          '{% $states.result.Payload.absent = true ? { "table": $states.input, "status": "absent" } : $states.input %}',
        Next: 'Is There?',
      },
      // A dataset that nothing has come for has no table yet, and one that refused nothing has no quarantine.
      'Is There?': {
        Type: 'Choice',
        Choices: [{ Condition: "{% $type($states.input) = 'object' %}", Next: 'Put Aside' }],
        Default: 'Rewrite Manifests',
      },
      'Rewrite Manifests': { ...step(maintainArn, 'manifests'), Next: 'Sweep' },
      Sweep: { ...step(sweep, 'sweep'), Output: SWEPT, End: true },
      'Put Aside': { Type: 'Pass', End: true },
    },
  }
}

/**
 * The sweeper's answer as what became of the table. It is the one that looks at every file: that some are missing which the
 * table needs is worse than any failure, and nobody else would say so before a query does.
 */
const SWEPT = [
  '{% ($fault := function($error, $cause) {',
  "{ 'table': $states.input, 'status': 'failed', 'step': 'sweep', 'error': $error, 'cause': $cause } };",
  '$swept := $states.result.Payload;',
  "$swept.missing.files > 0 ? $fault('Sluice.FilesMissing',",
  "$string($swept.missing.files) & ' files that it needs are not there, such as ' & $swept.missing.named[0])",
  ": $swept.failed.files > 0 ? $fault('Sluice.NotDeleted',",
  "$string($swept.failed.files) & ' files could not be deleted: ' & $swept.failed.reasons[0])",
  ": { 'table': $states.input, 'status': 'done' }) %}",
].join(' ')

/** The input of a step and its output are the table's name. */
function step(
  functionArn: string,
  action: 'expire' | 'manifests' | 'sweep',
  wishes: Readonly<Record<string, unknown>> = {},
): TaskState {
  return {
    ...invoke(functionArn, { action, table: '{% $states.input %}', ...wishes }),
    Output: '{% $states.input %}',
    Catch: [
      {
        ErrorEquals: ['States.ALL'],
        Output: {
          table: '{% $states.input %}',
          status: 'failed',
          step: action,
          error: '{% $states.errorOutput.Error %}',
          cause: causeUpTo(TABLE_CAUSE_LENGTH_MAX),
        },
        Next: 'Put Aside',
      },
    ],
  }
}

/** Of each table, so that those of all tables together stay far below the limit of a payload. */
const TABLE_CAUSE_LENGTH_MAX = 500

function conclusion(bus: string): States {
  const detail: Templated<MaintenanceFailed> = {
    tables: "{% $join([$failed.table], ', ') %}",
    error: '{% $states.input.error %}',
    cause: '{% $states.input.cause %}',
    execution: '{% $states.context.Execution.Id %}',
  }
  return {
    ...review({
      done: 'Maintained',
      parts: 'tables',
      others: 'maintained',
      each: "table & ': ' & step & ': ' & error & ': ' & cause",
    }),
    ...announcedFailure(bus, MAINTENANCE_FAILED, { detail }),
  }
}
