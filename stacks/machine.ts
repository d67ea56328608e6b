import type { EventPattern, Schedule } from '../workflows/rules.ts'
import type { StateMachine } from '../workflows/states-language.ts'
import { invokeFunctions, type Permission, sendMessages, startExecutions, writeTraces } from './permissions.ts'
import { retention } from './plan.ts'
import { serviceRole } from './role.ts'
import { isProduction, named } from './stage.ts'

export interface MachineOptions {
  readonly name: string
  readonly definition: $util.Output<StateMachine>
  /** What the definition asks for; logs and traces come with it. */
  readonly permissions: readonly Permission[]
}

/** One of `workflows/*`, with its own role and log group. */
export function stateMachine(
  resource: string,
  { name, definition, permissions }: MachineOptions,
): aws.sfn.StateMachine {
  const logs = new aws.cloudwatch.LogGroup(`${resource}Logs`, {
    // Step Functions may write to groups of this prefix without the account's log resource policy growing.
    name: `/aws/vendedlogs/states/${named(name)}`,
    retentionInDays: isProduction() ? retention.logDays.production : retention.logDays.test,
  })
  const role = serviceRole(`${resource}Role`, 'states.amazonaws.com', [
    ...permissions,
    deliverLogs,
    writeTraces,
    { actions: ['xray:GetSamplingRules', 'xray:GetSamplingTargets'], resources: ['*'] },
  ])
  return new aws.sfn.StateMachine(resource, {
    name: named(name),
    type: 'STANDARD',
    roleArn: role.arn,
    definition: $jsonStringify(definition),
    // Events and answers are pointers and counts, but causes of failures may quote names of a user's columns.
    loggingConfiguration: { level: 'ALL', includeExecutionData: false, logDestination: $interpolate`${logs.arn}:*` },
    tracingConfiguration: { enabled: true },
  })
}

/** None of these can be limited to a resource: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html */
const deliverLogs: Permission = {
  actions: [
    'logs:CreateLogDelivery',
    'logs:GetLogDelivery',
    'logs:UpdateLogDelivery',
    'logs:DeleteLogDelivery',
    'logs:ListLogDeliveries',
    'logs:PutResourcePolicy',
    'logs:DescribeResourcePolicies',
    'logs:DescribeLogGroups',
  ],
  resources: ['*'],
}

// --- What starts it ------------------------------------------------------------------------------------------------

export interface Start {
  readonly machine: aws.sfn.StateMachine
  readonly deadLetters: sst.aws.Queue
}

export interface EventStart extends Start {
  readonly bus: sst.aws.Bus
  /** Name of the rule, and of its target. */
  readonly rule: string
  readonly target: string
  readonly description: string
  readonly pattern: EventPattern
}

/** An event on Sluice's bus starts the machine, with the whole event as its input. */
export function startOnEvent(name: string, start: EventStart): aws.cloudwatch.EventRule {
  const rule = new aws.cloudwatch.EventRule(name, {
    name: named(start.rule),
    description: start.description,
    eventBusName: start.bus.name,
    eventPattern: $jsonStringify(start.pattern),
  })
  const role = serviceRole(`${name}Role`, 'events.amazonaws.com', [startMachine(start.machine)])
  new aws.cloudwatch.EventTarget(start.target, {
    rule: rule.name,
    eventBusName: start.bus.name,
    arn: start.machine.arn,
    roleArn: role.arn,
    deadLetterConfig: { arn: start.deadLetters.arn },
    retryPolicy: DELIVERY,
  })
  return rule
}

/** EventBridge's own maximum. */
const DELIVERY = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 } as const

/** A group of this stage alone: its alarms count what its own schedules could not deliver. */
export function scheduleGroup(): aws.scheduler.ScheduleGroup {
  return new aws.scheduler.ScheduleGroup('Schedules', { name: named('schedules') })
}

export interface ClockStart extends Start {
  readonly group: aws.scheduler.ScheduleGroup
  readonly schedules: readonly Schedule[]
}

/** Schedules start the machine. One role serves all of them: they do the same. */
export function startBySchedule(name: string, { machine, ...start }: ClockStart): void {
  scheduled(name, { ...start, target: machine.arn, permission: startMachine(machine) })
}

export interface ClockInvoke extends Omit<ClockStart, 'machine'> {
  readonly function: sst.aws.Function
}

/** Schedules call the function, which may run twice for one time. What it cannot finish becomes a dead letter after two retries. */
export function invokeBySchedule(name: string, { function: fn, ...start }: ClockInvoke): void {
  scheduled(name, { ...start, target: fn.arn, permission: invokeFunctions([fn]) })
  new aws.lambda.FunctionEventInvokeConfig(`${name}Async`, {
    functionName: fn.name,
    maximumRetryAttempts: 2,
    maximumEventAgeInSeconds: 3_600,
    destinationConfig: { onFailure: { destination: start.deadLetters.arn } },
  })
}

interface Scheduled extends Omit<ClockStart, 'machine'> {
  readonly target: $util.Input<string>
  readonly permission: Permission
}

function scheduled(name: string, { target, permission, deadLetters, group, schedules }: Scheduled): void {
  const role = serviceRole(`${name}Role`, 'scheduler.amazonaws.com', [
    permission,
    // A schedule writes its dead letters in the name of its role, not by the queue's policy.
    sendMessages(deadLetters),
  ])
  for (const schedule of schedules)
    new aws.scheduler.Schedule(`${name}-${schedule.name}`, {
      // 64 characters at most; the end of a table's name tells it from its side tables.
      name: schedule.name.slice(-64),
      groupName: group.name,
      description: schedule.description,
      scheduleExpression: schedule.expression,
      scheduleExpressionTimezone: 'UTC',
      flexibleTimeWindow: { mode: 'FLEXIBLE', maximumWindowInMinutes: schedule.windowMinutes },
      target: {
        arn: target,
        roleArn: role.arn,
        input: JSON.stringify(schedule.input),
        deadLetterConfig: { arn: deadLetters.arn },
        retryPolicy: DELIVERY,
      },
    })
}

const startMachine = (machine: aws.sfn.StateMachine): Permission => startExecutions(machine.arn)
