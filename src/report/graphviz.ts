/** The first line of a box is its name. Set here, since Graphviz centres only text of one font, whatever font a viewer has. */
const STYLE =
  '<style>.node text { font-size: 10px } .node text:first-of-type { font-size: 12px; font-weight: bold }</style>';

/** The picture as SVG. Graphviz itself, in WebAssembly: no program of the host is started. */
export async function svgOf(dot: string): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  const svg = (await instance()).renderString(dot, { format: 'svg' });
  return svg.replace(/<g id="graph0"/, (start) => `${STYLE}\n${start}`);
}
