import { parseAst } from 'vitest/node'

/** A node of the syntax tree, as far as the rules look: its type, its place, and whatever else it has. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** The syntax tree of a TypeScript or JavaScript text. */
export function parse(text: string): SyntaxNode {
  return parseAst(text, { lang: 'ts' }) as unknown as SyntaxNode
}

/** Every node below and including the given one, parents first. */
export function* nodesOf(top: SyntaxNode): Generator<SyntaxNode> {
  const rest: SyntaxNode[] = [top]
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    yield node
    for (const value of Object.values(node).reverse()) {
      const children = Array.isArray(value) ? value.toReversed() : [value]
      for (const child of children) if (isNode(child)) rest.push(child)
    }
  }
}

/** `a.b` as text when the node is such an access between two plain names; a plain name as itself. */
export function dottedName(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node.type === 'Identifier') return String(node['name'])
  if (node.type !== 'MemberExpression' || node['computed'] === true) return undefined
  const [object, property] = [dottedName(node['object']), dottedName(node['property'])]
  return object === undefined || property === undefined ? undefined : `${object}.${property}`
}

/** The text of a string literal. */
export function literalText(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Literal' && typeof node['value'] === 'string'
    ? node['value']
    : undefined
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string'
}
