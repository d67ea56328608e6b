import { datasets } from '../../../datasets/index.ts'
import { type Check, ofType, one } from './check.ts'

const ALARM = 'aws:cloudwatch/metricAlarm:MetricAlarm'
const ofChanges = datasets.filter(({ source }) => source.changes !== undefined)

export const changeChecks: readonly Check[] = [
  {
    name: 'a change that is put aside alarms, whatever dataset it is of',
    find: graph => {
      const watched = ofType(graph, ALARM).filter(
        ({ inputs }) =>
          inputs.metricName === 'ChangesDeadLetter' && inputs.threshold === 0 && inputs.alarmActions?.length > 0,
      )
      const names = watched.map(({ inputs }) => inputs.dimensions.dataset)
      if (ofChanges.length === 0) return ['no dataset has changes']
      return ofChanges.filter(({ name }) => !names.includes(name)).map(({ name }) => name)
    },
    breakIt: graph => {
      one(graph, ALARM, `Alarm-${ofChanges[0]?.name}-changes-refused`).inputs.threshold = 10
    },
  },
]
