import { statementTask } from './athena.ts'
import { COMPACTION_FAILED, type CompactionFailed } from './events.ts'
import type { Branch, ChoiceState, MapState, StateMachine, States, TaskState } from './states-language.ts'
import { announcedFailure, causeUpTo, giveUp, invoke, quoted, review, type Templated } from './tasks.ts'

/** What the definition refers to: the function's ARN, the name of Sluice's bus, and where Athena finds and leaves things. */
export interface CompactTargets {
  readonly compact: string
  readonly bus: string
  readonly database: string
  readonly athena: { readonly workGroup: string; readonly output: string }
  /** Rewrites of one table at a time. */
  readonly groupsAtOnce: number
  /**
   * Of the executions that commits start within so many minutes, one works: while it does, each further commit finds that
   * compaction is due as well, and would have the same files rewritten. Without it, all do.
   */
  readonly windowMinutes?: number
}

/**
 * A plan puts out a line for each group and the map another, and all of it has to fit 256 KB and 25,000 events of history
 * (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). What is over this bound stays as small files,
 * most gain first, and the next "Table Committed" or the schedule goes on with it.
 */
export const GROUPS_MAX = 100

/**
 * `compact`: the small files of one table into large ones. Started by "Table Committed" with `compactionDue`, and by a
 * schedule. It may run twice at once: the commit compares, and the run that comes second gives its groups up.
 */
export function compact(targets: CompactTargets): StateMachine {
  return {
    Comment: 'Plan groups of small files, rewrite them side by side, commit what was finished.',
    QueryLanguage: 'JSONata',
    // All groups one after the other on few lanes, each with its repetition, and the commit.
    TimeoutSeconds: 43_200,
    StartAt: 'Plan',
    States: {
      Plan: {
        ...invoke(targets.compact, planPayload(targets)),
        Assign: { table: '{% $states.result.Payload.table %}', run: '{% $states.result.Payload.run %}' },
        Catch: [{ ...giveUp('plan'), Assign: { table: `{% ${DETAIL}.table %}`, run: '' } }],
        Next: 'Judge',
      },
      Judge: {
        Type: 'Choice',
        Choices: [{ Condition: '{% $count($states.input.groups) = 0 %}', Next: 'Nothing To Do' }],
        Default: 'Rewrite Groups',
      },
      'Nothing To Do': { Type: 'Succeed' },
      'Rewrite Groups': rewriteGroups(targets),
      Commit: {
        ...invoke(targets.compact, { action: 'commit', table: '{% $table %}', run: '{% $run %}' }),
        Catch: [giveUp('commit')],
        Next: 'Review',
      },
      ...conclusion(targets.bus),
    },
  }
}

/** A group that fails is put aside, so that the others are committed. */
function rewriteGroups(targets: CompactTargets): MapState {
  return {
    Type: 'Map',
    Items: '{% $states.input.groups %}',
    MaxConcurrency: targets.groupsAtOnce,
    ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, ...oneGroup(targets) },
    Assign: { failed: "{% [$states.result[status = 'failed']] %}" },
    Output: {},
    Catch: [giveUp('rewrite')],
    Next: 'Commit',
  }
}

function oneGroup(targets: CompactTargets): Branch {
  return {
    StartAt: 'Route',
    States: {
      Route: {
        Type: 'Choice',
        Choices: [
          { Condition: "{% $states.input.route = 'function' %}", Next: 'Rewrite' },
          { Condition: "{% $states.input.route = 'athena' %}", Assign: { rounds: 1 }, Next: 'Optimize' },
        ],
        Default: 'Unroutable',
      },
      Rewrite: {
        ...invoke(targets.compact, {
          action: 'rewrite',
          table: '{% $table %}',
          run: '{% $run %}',
          group: '{% $states.input.group %}',
        }),
        Output: finished('done'),
        Catch: [{ ErrorEquals: ['States.ALL'], Output: failedGroup(), Next: 'Put Aside' }],
        End: true,
      },
      ...optimize(targets),
      Unroutable: {
        Type: 'Pass',
        Output: {
          ...finished('failed'),
          error: 'Sluice.Unroutable',
          cause: "{% 'compact has no way for the route ' & $string($states.input.route) %}",
        },
        End: true,
      },
      'Put Aside': { Type: 'Pass', End: true },
    },
  }
}

// --- Athena, for what outgrows a function --------------------------------------------------------------------------

/**
 * Athena rewrites a part of a large selection and fails with the first of these codes: the same statement goes on where it
 * stopped. With the second, somebody else committed at the same time.
 */
const AGAIN = '/ICEBERG_OPTIMIZE_MORE_RUNS_NEEDED|ICEBERG_COMMIT_ERROR/'
const ROUNDS_MAX = 20

/**
 * `OPTIMIZE … REWRITE DATA USING BIN_PACK` commits by itself. Its WHERE may name partition columns alone
 * (https://docs.aws.amazon.com/athena/latest/ug/optimize-statement.html); the plan quotes it. Athena deletes nothing: it has
 * no right to.
 */
function optimize(targets: CompactTargets): States {
  const task: TaskState = {
    ...statementTask({ ...targets.athena, database: targets.database }, statement(targets.database)),
    Output: finished('done'),
    Catch: [
      {
        ErrorEquals: ['States.ALL'],
        Output: {
          again: `{% $contains($string($states.errorOutput.Cause), ${AGAIN}) %}`,
          item: '{% $states.input %}',
          failure: failedGroup(),
        },
        Next: 'Optimize Again?',
      },
    ],
    End: true,
  }
  const again: ChoiceState = {
    Type: 'Choice',
    Choices: [
      {
        Condition: `{% $states.input.again and $rounds < ${ROUNDS_MAX} %}`,
        Output: '{% $states.input.item %}',
        Assign: { rounds: '{% $rounds + 1 %}' },
        Next: 'Optimize',
      },
    ],
    Output: '{% $states.input.failure %}',
    Default: 'Put Aside',
  }
  return { Optimize: task, 'Optimize Again?': again }
}

/** Names in double quotes, as in every statement of Athena that is no DDL. The table's comes from the plan, which has loaded it. */
const statement = (database: string): string =>
  `{% ${quoted(`OPTIMIZE "${database}"."`)} & $table & '" REWRITE DATA USING BIN_PACK' & ` +
  "($states.input.where ? ' WHERE ' & $states.input.where : '') %}"

// --- What became of it ---------------------------------------------------------------------------------------------

function conclusion(bus: string): States {
  const detail: Templated<CompactionFailed> = {
    table: '{% $table %}',
    run: '{% $run %}',
    stage: '{% $states.input.stage %}',
    error: '{% $states.input.error %}',
    cause: '{% $states.input.cause %}',
    execution: '{% $states.context.Execution.Id %}',
  }
  return {
    ...review({
      done: 'Compacted',
      parts: 'groups',
      others: 'committed',
      each: "'group ' & $string(group) & ': ' & error & ': ' & cause",
      output: { stage: 'rewrite' },
    }),
    ...announcedFailure(bus, COMPACTION_FAILED, { detail }),
  }
}

/** Of each group, so that those of all groups together stay far below the limit of a payload. */
const GROUP_CAUSE_LENGTH_MAX = 500

const finished = (status: 'done' | 'failed') => ({ group: '{% $states.input.group %}', status }) as const

function failedGroup() {
  const error = '{% $states.errorOutput.Error %}'
  return { ...finished('failed'), error, cause: causeUpTo(GROUP_CAUSE_LENGTH_MAX) } as const
}

// --- Input ---------------------------------------------------------------------------------------------------------

const DETAIL = '$states.context.Execution.Input.detail'

/** Whoever starts it by hand may say more than the table. The execution's name makes a repeated plan the same plan. */
function planPayload({ windowMinutes }: CompactTargets): string {
  const wishes = `$sift(${DETAIL}, function($value, $key) { $key in ['table', 'ifExists', 'where', 'strategy', 'partialProgress'] })`
  const always = `{ 'action': 'plan', 'run': $states.context.Execution.Name, 'groupsMax': ${GROUPS_MAX} }`
  const window =
    windowMinutes === undefined ? [] : [`${DETAIL}.compactionDue = true ? { 'windowMinutes': ${windowMinutes} } : {}`]
  return `{% $merge([${[wishes, always, ...window].join(', ')}]) %}`
}
