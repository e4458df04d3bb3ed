/**
 * The list of cash files: Odoo's upload button and drop zone, with words of its own.
 */
import { fileUploadListView } from "@account/views/file_upload_list/file_upload_list_view";
import { FileUploadListRenderer } from "@account/views/file_upload_list/file_upload_list_renderer";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

export class CashFileListRenderer extends FileUploadListRenderer {
    setup() {
        super.setup();
        this.dropZoneTitle = _t("Drop bank files and remittance advices here");
        this.dropZoneDescription = _t("camt.053, camt.054, MT940, OFX, BAI2, CSV, XLSX");
    }
}

registry.category("views").add("ar_cash_file_list", { ...fileUploadListView, Renderer: CashFileListRenderer });
