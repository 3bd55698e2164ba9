export const byId = (id) => document.getElementById(id);

/** An element with properties and children. Text from outside stays text and is never parsed as HTML. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Changes the text only if it differs, so that a screen reader does not announce unchanged text. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets the rows of a <dl>. A value is a text or a list of texts. */
export function setRows(list, rows) {
  const text = JSON.stringify(rows);
  if (list.dataset.rows === text) return;
  list.dataset.rows = text;
  list.replaceChildren(
    ...rows.flatMap(([label, values]) => [
      element('dt', { textContent: label }),
      ...[values].flat().map((value) => element('dd', { textContent: value })),
    ]),
  );
}
