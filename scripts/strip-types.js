import blankSpace from 'ts-blank-space';
import ts from 'typescript';

/** Removes the types from TypeScript, so that the result looks like handwritten JavaScript. */
export function stripTypes(source) {
  const blanked = blankSpace(importJavaScript(removeTypeStatements(removeTypeImports(source))));
  return blanked
    .replace(/[ \t]+$/gm, '')
    .replace(/^\n+/, '')
    .replace(/\n{3,}/g, '\n\n');
}

// Removes the whole line: blanking would leave an empty line between the other imports.
function removeTypeImports(source) {
  const imports = parse(source).statements.filter((statement) => statement.importClause?.isTypeOnly);
  return imports.reverse().reduce((text, statement) => {
    return text.slice(0, statement.getStart()) + text.slice(statement.end).replace(/^\n/, '');
  }, source);
}

// Removes an interface or a type alias with its comment: blanking would leave the comment behind.
function removeTypeStatements(source) {
  const statements = parse(source).statements.filter(isTypeOnly).reverse();
  return statements.reduce((text, statement) => {
    return text.slice(0, startWithComment(source, statement)) + text.slice(statement.end);
  }, source);
}

function isTypeOnly(statement) {
  return (
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword)
  );
}

function startWithComment(source, statement) {
  const comments = ts.getLeadingCommentRanges(source, statement.getFullStart()) ?? [];
  const last = comments.at(-1);
  const attached = last && !source.slice(last.end, statement.getStart()).includes('\n\n');
  return attached ? last.pos : statement.getStart();
}

function importJavaScript(source) {
  const local = listSpecifiers(parse(source)).filter(({ text }) => /^\.\.?\/.*\.ts$/.test(text));
  return local.reverse().reduce((text, { end }) => `${text.slice(0, end - 4)}.js${text.slice(end - 1)}`, source);
}

/** The specifiers of all imports in a file, both `import … from` and `import(…)`, in order. */
function listSpecifiers(node) {
  const isCall = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const specifier = isCall ? node.arguments[0] : node.moduleSpecifier;
  const own = specifier && ts.isStringLiteral(specifier) ? [specifier] : [];
  return [...own, ...node.getChildren().flatMap(listSpecifiers)];
}

function parse(source) {
  return ts.createSourceFile('template.ts', source, ts.ScriptTarget.Latest, true);
}
