// Contract: the AWS adapters keep every promise of their ports, tried against moto, an AWS emulator that we did not write.
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge'
import { CreateStateMachineCommand, paginateListExecutions } from '@aws-sdk/client-sfn'
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import { eventBus } from '#lake/aws/event-bus.ts'
import { glueCatalog } from '#lake/aws/glue-catalog.ts'
import { s3Storage } from '#lake/aws/s3-storage.ts'
import { sqsDeadLetters } from '#lake/aws/sqs-dead-letters.ts'
import { stepFunctions } from '#lake/aws/step-functions.ts'
import type { LakeEvent } from '#lake/lake.ts'
import { systemClock, systemIds } from '#lake/system.ts'
import { busContract, workflowsContract } from '../contracts/bus.contract.ts'
import { catalogContract } from '../contracts/catalog.contract.ts'
import { deadLettersContract } from '../contracts/dead-letters.contract.ts'
import { purgeContract } from '../contracts/purge.contract.ts'
import { storageContract } from '../contracts/storage.contract.ts'
import { bucket, call, database, events, glue, queueUrl, s3, sqs, states } from './moto.ts'

const retrying = { clock: systemClock, ids: systemIds }

for (const versioned of [true, false])
  storageContract(versioned ? 'S3, versioned' : 'S3, not versioned', async () => ({
    storage: s3Storage({ ...retrying, client: s3, rangeBytes: 64 * 1024 }),
    base: `${await bucket(`contract-${versioned}`, { versioned })}/base`,
    objectBelowObject: true,
    // moto 5.2.5 ignores If-None-Match on CopyObject; test/lake/aws/s3.copy.test.ts pins what is sent.
    createOnlyCopy: false,
    dispose: async () => undefined,
  }))

for (const versioned of [true, false])
  purgeContract(versioned ? 'S3, versioned' : 'S3, not versioned', async () => ({
    storage: s3Storage({ ...retrying, client: s3 }),
    base: `${await bucket(`purge-${versioned}`, { versioned })}/base`,
    objectBelowObject: true,
    dispose: async () => undefined,
  }))

catalogContract('Glue', async () => ({
  catalog: glueCatalog({ ...retrying, client: glue, swapClient: glue, database: await database('contract') }),
  dispose: async () => undefined,
}))

busContract('EventBridge', async () => {
  const { QueueUrl } = await call('sqs', 'AmazonSQS.CreateQueue', { QueueName: 'contract' })
  const Arn = 'arn:aws:sqs:eu-central-1:123456789012:contract'
  await events.send(new PutRuleCommand({ Name: 'all', EventPattern: '{"source":["sluice"]}' }))
  await events.send(new PutTargetsCommand({ Rule: 'all', Targets: [{ Id: 'queue', Arn }] }))
  const received: LakeEvent[] = []
  return {
    bus: eventBus({ ...retrying, client: events, bus: 'default' }),
    arrived: async () => {
      while (true) {
        const { Messages = [] } = await call('sqs', 'AmazonSQS.ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10 })
        const bodies = (Messages as readonly { readonly Body: string }[]).map(message => JSON.parse(message.Body))
        received.push(...bodies.map(body => ({ 'detail-type': body['detail-type'], detail: body.detail })))
        if (bodies.length === 0) return received
      }
    },
    dispose: async () => undefined,
  }
})

workflowsContract('Step Functions', async () => {
  const { stateMachineArn = '' } = await states.send(
    new CreateStateMachineCommand({
      name: 'refine',
      roleArn: 'arn:aws:iam::123456789012:role/refine',
      definition: '{"StartAt":"Done","States":{"Done":{"Type":"Pass","End":true}}}',
    }),
  )
  return {
    workflows: stepFunctions({ client: states, machines: { refine: stateMachineArn } }),
    started: async () => {
      const names: string[] = []
      for await (const page of paginateListExecutions({ client: states }, { stateMachineArn }))
        names.push(...(page.executions ?? []).map(execution => execution.name ?? ''))
      return names
    },
    dispose: async () => undefined,
  }
})

deadLettersContract('SQS', async () => {
  const [dead, work] = [await queueUrl('dead-letters'), await queueUrl('work')]
  return {
    deadLetters: sqsDeadLetters({ client: sqs, deadLetters: { work: dead }, queues: { work } }),
    lose: async bodies => {
      for (const MessageBody of bodies) await sqs.send(new SendMessageCommand({ QueueUrl: dead, MessageBody }))
    },
    sent: async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: work, MaxNumberOfMessages: 10 }))
      return Messages.map(message => message.Body ?? '')
    },
    // The longest time that a letter is held in the contract, but for a minute, and that one is of letters that are gone.
    pass: seconds => systemClock.sleep(Math.min(seconds, 9) * 1_000),
    dispose: async () => undefined,
  }
})
