/** As facts.c prints it: a symbol with its value, a constant, or what stands between them. */
export type Token = readonly [name: string, value: string] | readonly [value: string] | string;

/** n, m, y: an expression is as true as this. */
export type Truth = 0 | 1 | 2;

export type Expression =
  | { readonly kind: 'symbol'; readonly name: string; readonly value: string }
  | { readonly kind: 'constant'; readonly value: string }
  /** Whether the choice around a symbol can be made. */
  | { readonly kind: 'choice' }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Expression[] }
  | {
      readonly kind: 'compare';
      readonly sign: Sign;
      readonly left: Expression;
      readonly right: Expression;
    };

type Sign = '=' | '!=' | '<' | '<=' | '>' | '>=';

const SIGNS: readonly string[] = ['=', '!=', '<', '<=', '>', '>='] satisfies Sign[];

export const ALWAYS: Expression = { kind: 'constant', value: 'y' };

/** What stands in a `depends on` or after an `if`; no token at all is always true. */
export function parseExpression(tokens: readonly Token[]): Expression {
  const rest = tokens.map((token) => (typeof token === 'string' ? token.trim() : token));
  if (rest.length === 0) return ALWAYS;
  const parsed = parseOr(rest);
  if (rest.length > 0) throw new Error(`Kconfig's expression goes on: ${JSON.stringify(rest)}`);
  return parsed;
}

/** `choice` stands for the choice around the symbol. */
export function truthOf(expression: Expression, choice: Expression = ALWAYS): Truth {
  switch (expression.kind) {
    case 'symbol':
    case 'constant':
      return truthOfValue(expression.value);
    case 'choice':
      return truthOf(choice);
    case 'not':
      return (2 - truthOf(expression.of, choice)) as Truth;
    case 'and':
      return Math.min(...expression.of.map((one) => truthOf(one, choice))) as Truth;
    case 'or':
      return Math.max(...expression.of.map((one) => truthOf(one, choice))) as Truth;
    case 'compare':
      return holds(expression.sign, textOf(expression.left), textOf(expression.right)) ? 2 : 0;
    default:
      return expression satisfies never;
  }
}

export function truthOfValue(value: string): Truth {
  return value === 'y' ? 2 : value === 'm' ? 1 : 0;
}

/** As Kconfig has it, with the value of each symbol that is not clear from it: `A=n && !B (B=y)`. */
export function tellExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'symbol':
      return `${expression.name}=${expression.value}`;
    case 'constant':
      return expression.value || '""';
    case 'choice':
      return 'the choice';
    case 'not':
      return expression.of.kind === 'symbol'
        ? `!${expression.of.name} (${tellExpression(expression.of)})`
        : `!(${tellExpression(expression.of)})`;
    case 'and':
      return expression.of
        .map((one) => (one.kind === 'or' ? `(${tellExpression(one)})` : tellExpression(one)))
        .join(' && ');
    case 'or':
      return expression.of.map(tellExpression).join(' || ');
    case 'compare':
      return tellComparison(expression);
    default:
      return expression satisfies never;
  }
}

function tellComparison({ sign, left, right }: Extract<Expression, { kind: 'compare' }>): string {
  const values = [left, right].filter((side) => side.kind === 'symbol').map(tellExpression);
  const known = values.length > 0 ? ` (${values.join(', ')})` : '';
  return `${nameOf(left)}${sign}${nameOf(right)}${known}`;
}

function nameOf(side: Expression): string {
  return side.kind === 'symbol' ? side.name : tellExpression(side);
}

function textOf(side: Expression): string {
  return side.kind === 'symbol' || side.kind === 'constant' ? side.value : '';
}

/** As the kernel compares: numbers if both are, else texts. */
function holds(sign: Sign, left: string, right: string): boolean {
  const numbers = [left, right].map((text) => (text === '' ? Number.NaN : Number(text)));
  const bothNumbers = numbers.every((number) => !Number.isNaN(number));
  const order = bothNumbers ? numbers[0]! - numbers[1]! : left === right ? 0 : left < right ? -1 : 1;
  switch (sign) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      return sign satisfies never;
  }
}

function parseOr(rest: Token[]): Expression {
  return parseSeries(rest, '||', 'or', parseAnd);
}

function parseAnd(rest: Token[]): Expression {
  return parseSeries(rest, '&&', 'and', parseNot);
}

function parseSeries(
  rest: Token[],
  sign: string,
  kind: 'and' | 'or',
  parsePart: (rest: Token[]) => Expression,
): Expression {
  const parts = [parsePart(rest)];
  while (rest[0] === sign) {
    rest.shift();
    parts.push(parsePart(rest));
  }
  return parts.length === 1 ? parts[0]! : { kind, of: parts };
}

function parseNot(rest: Token[]): Expression {
  if (rest[0] !== '!') return parseComparison(rest);
  rest.shift();
  return { kind: 'not', of: parseNot(rest) };
}

function parseComparison(rest: Token[]): Expression {
  const left = parseOperand(rest);
  const [sign] = rest;
  if (typeof sign !== 'string' || !SIGNS.includes(sign)) return left;
  rest.shift();
  return { kind: 'compare', sign: sign as Sign, left, right: parseOperand(rest) };
}

function parseOperand(rest: Token[]): Expression {
  const token = rest.shift();
  if (token === '(') {
    const inside = parseOr(rest);
    if (rest.shift() !== ')') throw new Error("Kconfig's expression lacks a parenthesis");
    return inside;
  }
  if (token === '<choice>') return { kind: 'choice' };
  if (token === 'y' || token === 'm' || token === 'n') return { kind: 'constant', value: token };
  if (token === undefined || typeof token === 'string')
    throw new Error(`Kconfig's expression has an unknown part: ${token}`);
  const [first, second] = token;
  return second === undefined
    ? { kind: 'constant', value: first }
    : { kind: 'symbol', name: first, value: second };
}
