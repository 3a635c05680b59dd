/** From where on a value is worth a look, and from where on it is an alarm: colours of numbers and lines. */

import { type Threshold, ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard'

export type Limits =
  /** More is worse. */
  | { readonly look?: number; readonly alarm?: number }
  /** Less is worse: below `alarmBelow` red, below `lookBelow` yellow. */
  | { readonly alarmBelow: number; readonly lookBelow?: number }

export function thresholds(limits: Limits): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(limits))
}

/** The first step has no value: it holds for all that is less. */
function steps(limits: Limits): Threshold[] {
  if ('alarmBelow' in limits) {
    const { alarmBelow, lookBelow } = limits
    return [
      { value: null, color: 'red' },
      { value: alarmBelow, color: lookBelow === undefined ? 'green' : 'yellow' },
      ...(lookBelow === undefined ? [] : [{ value: lookBelow, color: 'green' }]),
    ]
  }
  const { look, alarm } = limits
  return [
    { value: null, color: 'green' },
    ...(look === undefined ? [] : [{ value: look, color: 'yellow' }]),
    ...(alarm === undefined ? [] : [{ value: alarm, color: 'red' }]),
  ]
}
