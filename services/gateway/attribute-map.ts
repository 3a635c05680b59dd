import type { XmlNode } from '#shared/sns-wire'

/** `<Attributes>` of an answer, in the order given; what is undefined is left out. */
export function attributeMap(entries: readonly (readonly [key: string, value: string | undefined])[]): XmlNode {
  const present = entries.flatMap(([key, value]) =>
    value === undefined
      ? []
      : [
          [
            'entry',
            [
              ['key', key],
              ['value', value],
            ],
          ] as const,
        ],
  )
  return [['Attributes', present]]
}
