// Shared by tours through reports made of tables: where a row or a figure is, and what the address says.

export const row = (name) => `.o_ar_report_table tr:has(.o_ar_first:contains("${name}"))`;
export const cell = (name, column, text = "") =>
    `${row(name)} td[data-column=${column}]` + (text && `:contains("${text}")`);

/** Wait for the address to say it: the web client writes it a moment after the screen has changed. */
export async function inAddress(text) {
    for (let tries = 0; tries < 100; tries++) {
        if (decodeURIComponent(location.href).includes(text)) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${text} is missing in ${location.href}`);
}
