/** Text: equal, equal but for case, or like a pattern with `*` and `?`. */

import { compileTemplate, isVariable, parseTemplate, type TemplatePart, variablesIn } from '../template.ts'
import { bothWays, type ConditionOperator, type OperatorTable } from './operator.ts'

const [StringEquals, StringNotEquals] = bothWays(readText({ wildcards: false }))
const [StringLike, StringNotLike] = bothWays(readText({ wildcards: true }))
const [StringEqualsIgnoreCase, StringNotEqualsIgnoreCase] = bothWays((text, { variables }, place) => {
  const parts = parseTemplate(text, { variables, wildcards: false }, place)
  const folded = parts.map((part) => foldText(part))
  const pattern = compileTemplate(folded)
  return {
    variables: variablesIn(parts),
    matches: (value, context) =>
      pattern.matches(value.toLowerCase(), {
        get: (key) => {
          const inserted = context.get(key)
          return typeof inserted === 'string' ? inserted.toLowerCase() : inserted
        },
      }),
  }
})

export const STRING_OPERATORS: OperatorTable = {
  StringEquals,
  StringNotEquals,
  StringEqualsIgnoreCase,
  StringNotEqualsIgnoreCase,
  StringLike,
  StringNotLike,
}

function readText({ wildcards }: { wildcards: boolean }): ConditionOperator['readValue'] {
  return (text, { variables }, place) => {
    const parts = parseTemplate(text, { variables, wildcards }, place)
    return { ...compileTemplate(parts), variables: variablesIn(parts) }
  }
}

function foldText(part: TemplatePart): TemplatePart {
  if (typeof part === 'symbol') return part
  if (!isVariable(part)) return { text: part.text.toLowerCase() }
  return part.fallback === undefined ? part : { ...part, fallback: part.fallback.toLowerCase() }
}
