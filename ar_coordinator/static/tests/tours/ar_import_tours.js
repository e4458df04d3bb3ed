// Tour through the import of a receivables history; see tests/test_import_tour.py.
import { registry } from "@web/core/registry";

const HISTORY = `countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,PaperlessBill
391,0001-AAAAA,4/6/2013,700001,1/2/2013,2/1/2013,50.00,No,1/15/2013,Paper
391,0001-AAAAA,4/6/2013,700002,3/10/2013,4/9/2013,60.50,Yes,4/30/2013,Paper
818,0002-BBBBB,1/1/2012,700003,2/31/2013,4/27/2013,10.00,No,4/1/2013,Electronic
`;

registry.category("web_tour.tours").add("ar_import_history", {
    steps: () => [
        {
            content: "choose a file",
            trigger: ".o_field_widget[name=file]",
            run: () => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([HISTORY], "history.csv", { type: "text/csv" }));
                const input = document.querySelector(".o_field_widget[name=file] input[type=file]");
                input.files = transfer.files;
                input.dispatchEvent(new Event("change"));
            },
        },
        { trigger: ".o_field_widget[name=file] input:value(history.csv)" },
        { content: "read it", trigger: "button[name=action_read]", run: "click" },
        { content: "the format is recognised", trigger: ".o_field_widget[name=preset_id] input:value(IBM sample)" },
        { trigger: ".o_field_widget[name=column_ids] td:contains('700001 · 700002 · 700003')" },
        { content: "check it", trigger: "button[name=action_check]", run: "click" },
        { content: "one row is wrong", trigger: ".alert-danger:contains('Wrong rows: 1')" },
        { trigger: ".o_field_widget[name=problem_ids] tr:contains('2/31/2013'):contains('is not a day of the calendar')" },
        { trigger: ".o_field_widget[name=date_evidence]:contains('month/day/year: row 2, SettledDate has')" },
        { content: "nothing can be imported", trigger: ".o_form_statusbar:not(:has(button[name=action_start_import]))" },
        {
            content: "leave it out",
            trigger: ".o_field_widget[name=import_good_rows] input:not(:checked)",
            run: "click",
        },
        { content: "import the others", trigger: "button[name=action_start_import]", run: "click" },
        { content: "done", trigger: ".alert-success:contains('Invoices imported: 2.')" },
        { content: "the wrong row as a file", trigger: ".o_field_widget[name=bad_file]:contains('history-wrong-rows.csv')" },
        { content: "the invoices", trigger: "button[name=action_open_invoices]", run: "click" },
        { trigger: ".o_list_view td[name=name]:contains('700002')" },
        { trigger: ".o_list_view td[name=invoice_partner_display_name]:contains('0001-AAAAA')" },
    ],
});
