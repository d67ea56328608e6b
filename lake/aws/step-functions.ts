import { createHash } from 'node:crypto'
import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { LakeError } from '../errors.ts'
import type { Workflows } from '../lake.ts'
import { awsError, serviceFailure } from './aws-errors.ts'

/** https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html */
const NAME_CHARACTERS_MAX = 80
const INPUT_BYTES_MAX = 262_144

export interface StepFunctionsOptions {
  readonly client: SFNClient
  /** ARNs of the state machines by their names in `workflows/`. */
  readonly machines: Readonly<Record<string, string>>
}

/** Step Functions. The name makes a start idempotent: while it runs the service says so itself, afterwards, for 90 days, by ExecutionAlreadyExists. */
export function stepFunctions(options: StepFunctionsOptions): Workflows {
  return {
    start: async (machine, { name, input }) => {
      const stateMachineArn = options.machines[machine]
      if (stateMachineArn === undefined)
        throw new LakeError('usage', `no ARN is configured for the state machine ${machine}`, { machine })
      const text = JSON.stringify(input ?? null)
      if (Buffer.byteLength(text) > INPUT_BYTES_MAX)
        throw new LakeError('usage', `the input of ${machine}/${name} is larger than 256 KiB`, { machine, name })
      try {
        await options.client.send(
          new StartExecutionCommand({ stateMachineArn, name: executionName(name), input: text }),
        )
      } catch (error) {
        if (serviceFailure(error).name === 'ExecutionAlreadyExists') return
        throw awsError(error, `state machine ${machine}`, ({ name: code }) =>
          code === 'ExecutionLimitExceeded' ? 'throttled' : undefined,
        )
      }
    },
  }
}

/** Other characters, and what is too long, go into a hash, so that two names never become one. */
export function executionName(name: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(name) && name.length <= NAME_CHARACTERS_MAX) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 32)
  return `${name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, NAME_CHARACTERS_MAX - hash.length - 1)}-${hash}`
}
